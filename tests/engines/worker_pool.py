"""Servers of Beam's portable way to run a job, as processes of this machine.

An engine asks a worker pool for a worker, and talks to it over the network alone.
"""

import contextlib
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).parents[2]
# A pool starts its workers as `python`.
ENVIRONMENT = os.environ | {
    "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(REPOSITORY),
}
# A view of the file system of its own, for which no one needs to be root.
UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]
_START_SECONDS = 120


@contextlib.contextmanager
def worker_pool(folder, *, hidden=None):
    """Runs a pool whose current folder is `folder`; yields its address.

    It logs there, since an undrained pipe would stop its workers. In place of the folder
    `hidden` they see an empty one of their own.
    """
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main"]
    command.append("--service_port=0")
    if hidden:
        mount = f"mount -t tmpfs none {shlex.quote(str(hidden))}"
        command = [*UNSHARE, "sh", "-c", f"{mount} && exec {shlex.join(command)}"]
    with _server(command, folder, r"at port: (localhost:\d+)") as address:
        yield address


@contextlib.contextmanager
def job_service(folder):
    """Runs Beam's own engine behind its job API; yields the address."""
    module = "apache_beam.runners.portability.local_job_service_main"
    command = [sys.executable, "-m", module, f"--staging_dir={folder}"]
    with _server(command, folder, r"jobs on port (\d+)") as port:
        yield f"localhost:{port}"


@contextlib.contextmanager
def _server(command, folder, announcement):
    """Runs a server; yields what its log announces. All it has started ends with it."""
    folder.mkdir()
    log = folder / "log.txt"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield _await_announcement(announcement, process, log)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await_announcement(pattern, process, log):
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"{shlex.join(process.args)} does not serve:\n{log.read_text()}")
