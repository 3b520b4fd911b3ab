"""Servers of Beam's portable way to run a job, as processes of this machine.

An engine asks a worker pool for a worker, and talks to it over the network alone.
"""

import contextlib
import os
import pathlib
import re
import shlex
import signal
import socket
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


class Server:
    """A process that serves while the `with` block runs; all it has started ends with it.

    It logs to a file, since an undrained pipe would stop it.
    """

    def __init__(self, command, folder):
        """Starts it in a folder of its own, which is made."""
        folder.mkdir()
        self._log = folder / "log.txt"
        with self._log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *unused_exception):
        self.kill()

    def kill(self):
        """Sends SIGKILL, to which there is no answer."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def await_log(self, pattern):
        """What matches the group of a pattern, as soon as the log has it."""
        return self._await(lambda: re.search(pattern, self._log.read_text()))[1]

    def await_port(self, port):
        """Waits until it listens."""
        self._await(lambda: _is_open(port))

    def _await(self, condition):
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := condition():
                return found
            time.sleep(0.1)
        command = shlex.join(self._process.args)
        raise RuntimeError(f"{command} does not serve:\n{self._log.read_text()}")


@contextlib.contextmanager
def worker_pool(folder, *, within=()):
    """Runs a pool that starts workers in `folder`; yields its address.

    `within` is a command that starts another one in surroundings of its own.
    """
    port = _unused_port()
    with Server([*within, *pool_command(port)], folder) as server:
        server.await_port(port)
        yield f"localhost:{port}"


def pool_command(port):
    module = "apache_beam.runners.worker.worker_pool_main"
    return [sys.executable, "-m", module, f"--service_port={port}"]


def without(hidden):
    """A command that starts another one with an empty folder in place of `hidden`."""
    mount = f"mount -t tmpfs none {shlex.quote(str(hidden))}"
    return [*UNSHARE, "sh", "-c", f'{mount} && exec "$@"', "sh"]


@contextlib.contextmanager
def job_service(folder):
    """Runs Beam's own engine behind its job API; yields the address."""
    module = "apache_beam.runners.portability.local_job_service_main"
    command = [sys.executable, "-m", module, f"--staging_dir={folder}"]
    with Server(command, folder) as server:
        yield "localhost:" + server.await_log(r"jobs on port (\d+)")


def flags(*, jobs, pool):
    """Beam's flags for a job service and a pool."""
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={jobs}",
        "--environment_type=EXTERNAL",
        f"--environment_config={pool}",
    ]


def _unused_port():
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


def _is_open(port):
    with socket.socket() as client:
        return client.connect_ex(("localhost", port)) == 0
