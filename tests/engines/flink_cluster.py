"""A Flink cluster of several hosts on this machine, and what its REST API tells.

A host is a network namespace with a localhost of its own. Beam has every TaskManager look
for its worker pool at the same address, but two of them cannot share a pool: each numbers
its workers from 1.
"""

import contextlib
import json
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

from tests.engines import servers

_CONFIG_DIR = pathlib.Path(__file__).with_name("flink")
_JARS = servers.REPOSITORY / ".cache" / "flink"
_MASTER = "10.0.0.1"  # as in config.yaml
_REST = f"{_MASTER}:8081"
_POOL_PORT = 50000
# Beam's flags for the cluster. A worker that is not in use is kept for the next step.
FLAGS = (
    *servers.flags(jobs="localhost:8099", pool=f"localhost:{_POOL_PORT}"),
    "--environment_cache_millis=60000",
    "--parallelism=2",
)


@contextlib.contextmanager
def cluster(folder):
    """Runs a Cluster that has no host yet; its logs are in a folder."""
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        raise RuntimeError("needs a network of its own; use `make flink-test`")
    with contextlib.ExitStack() as stack:
        yield Cluster(folder, stack)


class Cluster:
    """A JobManager, Beam's job server, and hosts with a TaskManager and a worker pool."""

    def __init__(self, folder, stack):
        """Starts it without a host; all of it ends with the stack."""
        self._folder = folder
        self._stack = stack
        self._scratch = stack.enter_context(tempfile.TemporaryDirectory())
        self._task_managers = {}
        _add_network()
        entrypoint = "runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        self._job_manager = self._start("job_manager", self._flink(entrypoint))
        self._job_server = self._start(
            "job_server",
            [
                *_java("org.apache.beam.runners.flink.FlinkJobServerDriver"),
                f"--flink-master={_REST}",
                f"--artifacts-dir={self._scratch}",
            ],
        )

    def _start(self, name, command):
        server = servers.Server(command, self._folder / name)
        return self._stack.enter_context(server)

    def _flink(self, main_class):
        return [
            *_java(f"org.apache.flink.{main_class}"),
            f"--configDir={_CONFIG_DIR}",
            f"-Dio.tmp.dirs={self._scratch}",
        ]

    def add_host(self):
        """Starts a TaskManager with one slot, and the worker pool beside it."""
        number = len(self._task_managers) + 1
        name, address = f"host{number}", f"10.0.0.{10 + number}"
        within = _add_host(self._folder, name, address)
        self._start(f"{name}_pool", [*within, *servers.pool_command(_POOL_PORT)])
        self._task_managers[name] = self._start(
            name,
            [
                *within,
                *self._flink("runtime.taskexecutor.TaskManagerRunner"),
                f"-Dtaskmanager.host={address}",
                f"-Dtaskmanager.resource-id={name}",
            ],
        )

    def await_start(self):
        """Waits until jobs can be given to it."""
        self._job_manager.await_log(r"(Rest endpoint listening)")
        self._job_server.await_log(r"(Job server now running)")
        for task_manager in self._task_managers.values():
            task_manager.await_log(r"(Successful registration at resource manager)")

    def kill_task_manager(self, name):
        """Sends it SIGKILL; the worker beside it is left with what it was doing."""
        self._task_managers[name].kill()


def get(path):
    """What the REST API answers."""
    with urllib.request.urlopen(f"http://{_REST}{path}", timeout=30) as answer:
        return json.load(answer)


def last_job():
    """The path of the job that was started last; None before the first."""
    jobs = sorted(get("/jobs/overview")["jobs"], key=lambda job: job["start-time"])
    return f"/jobs/{jobs[-1]['jid']}" if jobs else None


def task_managers_of(job, step):
    """What each TaskManager tells of its part in the operator with a step of Beam's."""
    (vertex,) = (each for each in get(job)["vertices"] if step in each["name"])
    found = get(f"{job}/vertices/{vertex['id']}/taskmanagers")["taskmanagers"]
    return {each["taskmanager-id"]: each for each in found}


def num_restarts(job):
    """How often a subtask was started again, the one that was so most often."""
    return max(
        subtask["attempt"]
        for vertex in get(job)["vertices"]
        for subtask in get(f"{job}/vertices/{vertex['id']}")["subtasks"]
    )


def await_that(condition, *, timeout_seconds):
    """The first result of a function that is true."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.05)
    raise TimeoutError(f"{condition} in {timeout_seconds} s")


def _java(main_class):
    options = _CONFIG_DIR / "java_options.txt"
    return ["java", f"@{options}", "-cp", f"{_JARS}/*", main_class]


def _add_network():
    _run("ip link set lo up")
    _run("ip link add hosts type bridge")
    _run(f"ip address add {_MASTER}/24 dev hosts")
    _run("ip link set hosts up")


def _add_host(folder, name, address):
    """Connects a new host; returns a command that starts another one there."""
    namespace = folder / f"{name}.network"
    namespace.touch()
    _run(f"unshare --net={namespace} ip link set lo up")
    within = ["nsenter", f"--net={namespace}"]
    _run(f"ip link add {name} type veth peer name eth0 netns {namespace}")
    _run(f"ip link set {name} master hosts up")
    _run(f"ip address add {address}/24 dev eth0", *within)
    _run("ip link set eth0 up", *within)
    return within


def _run(command, *within):
    subprocess.run([*within, *command.split()], check=True)
