"""The program that makes a data set, as a user starts it."""

import contextlib
import hashlib
import subprocess
import sys

from tests.engines import servers

_TIMEOUT_SECONDS = 240


@contextlib.contextmanager
def started(folder, *flags):
    """Starts it in a folder; yields the process, which ends with the `with` block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.create_pretraining_data", *flags],
        cwd=folder,
        env=servers.ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(process):
    """Waits for its end and returns the exit code and the errors it has told."""
    _, log = process.communicate(timeout=_TIMEOUT_SECONDS)
    print(log)
    assert "Traceback" not in log
    errors = [line for line in log.splitlines() if line.startswith("error: ")]
    return process.returncode, errors


def run(folder, *flags):
    """Starts it, and is `finish`."""
    with started(folder, *flags) as process:
        return finish(process)


def shards_of(output):
    """The digest of each shard that is in a folder."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in output.glob("*.tfrecord")
    }
