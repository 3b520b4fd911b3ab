"""Killed processes and full disks: the same bytes in the end, or one clear line."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from bert_tf import errors
from bert_tf.data import manifest
from tests import made_documents

REPOSITORY = pathlib.Path(__file__).parents[2]
NUM_KILLED_DRIVERS = 16
NUM_KILLED_WORKERS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Text of half a megabyte, and its vocabulary."""
    path = tmp_path_factory.mktemp("faults")
    documents = made_documents.make_documents(8_000)
    (path / "text.txt").write_bytes(b"\n\n".join(each.text for each in documents))
    (path / "vocab.txt").write_bytes(made_documents.VOCABULARY.file_bytes)
    return path


def arguments(output, *more):
    return [
        "--input=text.txt",
        "--vocab_file=vocab.txt",
        f"--output={output}",
        "--max_seq_length=64",
        "--dupe_factor=6",
        "--num_buckets=4",
        *more,
    ]


# Imports what takes long and forks for each run of the real program; after the first,
# which tells how long one takes, each is killed at a random moment.
KILL_DRIVERS = textwrap.dedent("""
    import json, os, random, runpy, signal, sys, time
    from pipelines import pretraining_job

    arguments, count = json.load(sys.stdin)
    rng = random.Random(7)

    def start(output):
        child = os.fork()
        if not child:
            sys.argv = ["create_pretraining_data", *arguments, f"--output={output}"]
            runpy.run_module("pipelines.create_pretraining_data", run_name="__main__")
            os._exit(0)
        return child

    begun = time.monotonic()
    assert os.waitpid(start("expected"), 0)[1] == 0
    seconds = time.monotonic() - begun
    runs = killed = 0
    while killed < count:
        runs += 1
        child = start("killed")
        time.sleep(rng.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        complete = os.path.exists("killed/manifest.json")
        print(json.dumps([complete, os.path.exists("killed")]), flush=True)
        if complete:
            os.rename("killed", f"complete{runs}")
    assert os.waitpid(start("killed"), 0)[1] == 0
""")


def digests(output):
    loaded = manifest.load_manifest(str(output))
    return [
        (shard.name, shard.sha256)
        for split in loaded.splits.values()
        for shard in split.shards
    ]


def environment():
    return os.environ | {"PYTHONPATH": str(REPOSITORY)}


@pytest.fixture(scope="module")
def killed_drivers(folder):
    """What each killed run left: whether a manifest, whether a folder."""
    finished = subprocess.run(
        [sys.executable, "-c", KILL_DRIVERS],
        input=json.dumps([arguments("expected"), NUM_KILLED_DRIVERS]),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert finished.returncode == 0, finished.stderr
    return [json.loads(line) for line in finished.stdout.splitlines()]


@pytest.mark.slow
def test_after_killed_drivers_the_bytes_are_the_same(folder, killed_drivers):
    assert len(killed_drivers) >= NUM_KILLED_DRIVERS
    # Some were killed in the middle of writing.
    assert [False, True] in killed_drivers
    expected = digests(folder / "expected")
    assert digests(folder / "killed") == expected
    for complete in folder.glob("complete*"):
        assert digests(complete) == expected
    assert sorted(path.name for path in (folder / "killed").iterdir()) == sorted(
        path.name for path in (folder / "expected").iterdir()
    )


def workers_of(pid):
    """The Beam workers below a process, which starts each through a shell."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            command = (path.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        if parent == pid:
            child = int(path.parent.name)
            if b"apache_beam.runners.worker.sdk_worker_main" in command:
                found.append(child)
            else:
                found += workers_of(child)
    return found


def wait_for(condition, process, seconds=120):
    """What a condition gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"ended with {process.poll()} before what was waited for")


@pytest.mark.slow
def test_a_killed_worker_ends_the_job_and_the_next_makes_the_same_bytes(
    folder, killed_drivers
):
    command = [
        sys.executable,
        "-m",
        "pipelines.create_pretraining_data",
        *arguments(
            "workers",
            "--direct_running_mode=multi_processing",
            "--direct_num_workers=2",
        ),
    ]
    rng = random.Random(3)
    for _ in range(NUM_KILLED_WORKERS):
        with subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
            # As in the background of a script.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        ) as process:
            wait_for(lambda: len(workers_of(process.pid)) == 2, process)
            time.sleep(rng.uniform(0, 4))
            victims = workers_of(process.pid)
            os.kill(rng.choice(victims), signal.SIGKILL)
            _, stderr = process.communicate(timeout=120)
        assert process.returncode == 2, stderr
        assert "error: Expected local workers that live until the end" in stderr
        assert "Traceback" not in stderr
        with pytest.raises(errors.UserError):
            manifest.load_manifest(str(folder / "workers"))
    subprocess.run(command, cwd=folder, env=environment(), check=True)
    assert digests(folder / "workers") == digests(folder / "expected")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["in_memory", "multi_processing"])
def test_a_full_disk_is_one_line_and_leaves_nothing(folder, mode):
    # No file may be larger than two megabytes, as on a disk that has no more room.
    command = [
        "prlimit",
        f"--fsize={2 << 20}",
        sys.executable,
        "-m",
        "pipelines.create_pretraining_data",
        *arguments("full", f"--direct_running_mode={mode}", "--direct_num_workers=2"),
        "--num_buckets=1",
    ]
    finished = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True
    )
    assert finished.returncode == 2, finished.stderr
    (told,) = [line for line in finished.stderr.splitlines() if "error: " in line]
    assert "File too large; mend it and run the same command again" in told
    assert "Traceback" not in finished.stderr
    assert not (folder / "full").exists()
