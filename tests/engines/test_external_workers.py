"""The job through Beam's job API, on workers elsewhere: what every engine asks of it."""

import json
import subprocess

import pytest

from tests import made_documents
from tests.engines import program, servers

CORPUS = b"\n\n".join(document.text for document in made_documents.make_documents(200))
FLAGS = [
    "--vocab_file=vocab.txt",
    "--max_seq_length=16",
    "--dupe_factor=2",
    "--max_bad_documents=1",
    "--held_out_fraction=0.2",
]
CAN_UNSHARE = not subprocess.run([*servers.UNSHARE, "true"]).returncode

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
        servers.worker_pool(folder / "pool") as pool,
        servers.job_service(folder / "jobs") as jobs,
    ):
        yield servers.flags(jobs=jobs, pool=pool)


def test_bytes_are_those_of_a_local_run(folder, engine):
    for output, flags in (("local", []), ("remote", engine)):
        flags = ["--input=text.txt", f"--output={output}", *FLAGS, *flags]
        assert program.run(folder, *flags) == (0, [])
    manifest = json.loads((folder / "local" / "manifest.json").read_text())
    assert manifest["splits"]["train"]["shards"][0]["num_examples"] > 100
    expected = program.shards_of(folder / "local")
    assert len(expected) == 3
    assert program.shards_of(folder / "remote") == expected


def test_a_mistake_is_told_in_one_line(folder, engine):
    flags = ["--input=bad.txt", "--output=mistake", *FLAGS, *engine]
    exit_code, (error,) = program.run(folder, *flags)
    assert exit_code == 2
    assert "expected at most 1 documents that cannot be used, received 2" in error


@pytest.mark.skipif(not CAN_UNSHARE, reason="needs file systems that are not shared")
def test_an_output_that_the_workers_do_not_share_is_named(folder, tmp_path):
    unshared = tmp_path / "unshared"
    unshared.mkdir()
    with (
        servers.worker_pool(tmp_path / "pool", within=servers.without(unshared)) as pool,
        servers.job_service(tmp_path / "jobs") as jobs,
    ):
        engine = servers.flags(jobs=jobs, pool=pool)
        flags = ["--input=text.txt", f"--output={unshared}/data", *FLAGS, *engine]
        exit_code, (error,) = program.run(folder, *flags)
    assert exit_code == 2
    assert f"received '{unshared}/data', in which nothing of theirs has arrived" in error
    assert not list(unshared.iterdir())
