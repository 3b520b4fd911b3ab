"""The job through Beam's job API, on workers elsewhere: what every engine asks of it."""

import json
import subprocess
import sys

import pytest

from tests import made_documents
from tests.engines import worker_pool

CORPUS = b"\n\n".join(document.text for document in made_documents.make_documents(200))
CAN_UNSHARE = not subprocess.run([*worker_pool.UNSHARE, "true"]).returncode

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the program is started; the workers start in another one."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "text.txt").write_bytes(CORPUS)
    (folder / "bad.txt").write_bytes(CORPUS + b"\n\n\xff\n\n\xfe\n")
    (folder / "vocab.txt").write_text("\n".join(made_documents.TOKENS) + "\n")
    return folder


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """Beam's flags for an engine with external workers."""
    folder = tmp_path_factory.mktemp("engine")
    with (
        worker_pool.worker_pool(folder / "pool") as pool,
        worker_pool.job_service(folder / "jobs") as jobs,
    ):
        yield flags_of(jobs, pool)


def flags_of(jobs, pool):
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={jobs}",
        "--environment_type=EXTERNAL",
        f"--environment_config={pool}",
    ]


def run_program(folder, engine, *, output, text="text.txt"):
    flags = [
        f"--input={text}",
        f"--output={output}",
        "--vocab_file=vocab.txt",
        "--max_seq_length=16",
        "--max_bad_documents=1",
        "--held_out_fraction=0.2",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pipelines.create_pretraining_data", *flags, *engine],
        cwd=folder,
        env=worker_pool.ENVIRONMENT,
        capture_output=True,
        text=True,
    )


def errors_of(finished):
    assert "Traceback" not in finished.stderr
    return [line for line in finished.stderr.splitlines() if line.startswith("error: ")]


def splits_of(output):
    return json.loads((output / "manifest.json").read_text())["splits"]


def test_bytes_are_those_of_a_local_run(folder, engine):
    for output, flags in (("local", []), ("remote", engine)):
        finished = run_program(folder, flags, output=output)
        assert finished.returncode == 0, finished.stderr
    expected = splits_of(folder / "local")
    assert expected["train"]["shards"][0]["num_examples"] > 100
    assert splits_of(folder / "remote") == expected


def test_a_mistake_is_told_in_one_line(folder, engine):
    finished = run_program(folder, engine, output="mistake", text="bad.txt")
    (error,) = errors_of(finished)
    assert "expected at most 1 documents that cannot be used, received 2" in error
    assert finished.returncode == 2


@pytest.mark.skipif(not CAN_UNSHARE, reason="needs file systems that are not shared")
def test_an_output_that_the_workers_do_not_share_is_named(folder, tmp_path):
    unshared = tmp_path / "unshared"
    unshared.mkdir()
    with (
        worker_pool.worker_pool(tmp_path / "pool", hidden=unshared) as pool,
        worker_pool.job_service(tmp_path / "jobs") as jobs,
    ):
        finished = run_program(folder, flags_of(jobs, pool), output=unshared / "data")
    (error,) = errors_of(finished)
    assert f"received '{unshared}/data', in which nothing of theirs has arrived" in error
    assert finished.returncode == 2
    assert not list(unshared.iterdir())
