"""The job on Prism, Beam's reference runner in Go, which shares no code with our own."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

from tests import made_documents

REPOSITORY = pathlib.Path(__file__).parents[2]
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d \S")

pytestmark = pytest.mark.prism


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten texts, one of them with a document that cannot be used, and a vocabulary."""
    folder = tmp_path_factory.mktemp("folder")
    (folder / "text").mkdir()
    texts = [document.text for document in made_documents.make_documents(300)]
    for number in range(10):
        (folder / f"text/{number}").write_bytes(b"\n\n".join(texts[number::10]))
    with (folder / "text/0").open("ab") as text:
        text.write(b"\n\n\xff\n")
    (folder / "vocab.txt").write_bytes(made_documents.VOCABULARY.file_bytes)
    return folder


def start(folder, output, *flags):
    """Starts the program at the head of a group of processes."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pipelines.create_pretraining_data",
            "--input=text/*",
            "--vocab_file=vocab.txt",
            f"--output={output}",
            "--max_seq_length=16",
            "--num_buckets=3",
            "--held_out_fraction=0.2",
            *flags,
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def await_end_of_group(group):
    """Returns when a group has no process any more; one is given time to end."""
    deadline = time.monotonic() + 20
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.killpg(group, 0)
            assert time.monotonic() < deadline, "a process is left"
            time.sleep(0.05)


def run_on_prism(folder, output, *flags):
    """Runs the program; its exit code and what it told, when nothing of it is left."""
    prism = ["--runner=PrismRunner", f"--prism_location={os.environ['PRISM']}"]
    program = start(folder, output, *prism, *flags)
    stdout, stderr = program.communicate()
    assert not stdout
    await_end_of_group(program.pid)
    return program.returncode, stderr


@pytest.fixture(scope="module")
def expected(folder):
    """What the manifest of a run on Beam's own runner in Python tells of the data."""
    program = start(folder, "local")
    _, stderr = program.communicate()
    assert program.returncode == 0, stderr
    return splits_of(folder / "local")


def splits_of(output):
    """Shards with their digests, counts and everything else that was found."""
    return json.loads((output / "manifest.json").read_text())["splits"]


@pytest.mark.parametrize("shuffle", ["files", "engine"])
def test_bytes_are_those_of_a_local_run(folder, expected, shuffle):
    exit_code, log = run_on_prism(folder, shuffle, f"--shuffle={shuffle}")
    assert exit_code == 0, log
    assert splits_of(folder / shuffle) == expected
    assert len(expected["train"]["shards"]) == 30
    assert expected["train"]["counts"]["documents"] > 200
    # Nothing but the program's own news.
    assert all(map(LOG_LINE.match, log.splitlines())), log
    assert "prism" not in log.lower()


def test_a_mistake_is_told_in_one_line(folder):
    exit_code, log = run_on_prism(folder, "mistake", "--max_bad_documents=0")
    (error,) = [line for line in log.splitlines() if line.startswith("error: ")]
    assert "expected at most 0 documents that cannot be used, received 1" in error
    assert exit_code == 2
    assert [path.name for path in folder.glob("mistake/*")] == ["dead_letter.jsonl"]
