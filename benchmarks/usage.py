"""What a command and the processes it starts take: time, processor time, memory.

Linux only: memory is read from /proc.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence

_SECONDS_BETWEEN_SAMPLES = 0.1
_RESIDENT = re.compile(r"Vm(HWM|RSS):\s+(\d+) kB")


@dataclasses.dataclass(frozen=True)
class Usage:
    """What one command took."""

    wall_seconds: float
    cpu_seconds: float  # user and system, of all processes
    peak_bytes: int  # resident in all processes at once; what they share counts in each
    peak_process_bytes: int  # resident in the largest process


def run(command: Sequence[str], *, cores: Sequence[int], log: pathlib.Path) -> Usage:
    """Runs a command on some processor cores.

    Processor time is what the kernel has charged to the command and to every process
    that it, or a child of it, has waited for. Memory is sampled ten times a second.

    Args:
        command: the program and its arguments.
        cores: numbers of the cores that it may use.
        log: a file for all that it says.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    memory = _MemorySampler()
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        try:
            with memory.sampled(process.pid):
                _, status, resources = os.wait4(process.pid, 0)
                wall_seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            _kill_session(process.pid)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Usage(
        wall_seconds=wall_seconds,
        cpu_seconds=resources.ru_utime + resources.ru_stime,
        peak_bytes=max(memory.peak_bytes, memory.peak_process_bytes),
        peak_process_bytes=memory.peak_process_bytes,
    )


def last_line(log: pathlib.Path) -> str:
    """The last thing that a command said."""
    return log.read_text(errors="replace").rstrip().rpartition("\n")[2]


class _MemorySampler:
    """The highest memory that a command and its descendants were seen with, in bytes."""

    def __init__(self):
        self.peak_bytes = 0
        self.peak_process_bytes = 0

    @contextlib.contextmanager
    def sampled(self, pid: int) -> Iterator[None]:
        """Samples while the `with` block runs, which begins as the command does."""
        stopped = threading.Event()

        def watch() -> None:
            while not stopped.is_set():
                self._sample(pid)
                stopped.wait(_SECONDS_BETWEEN_SAMPLES)

        thread = threading.Thread(target=watch, name="memory", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def _sample(self, pid: int) -> None:
        processes = [_resident_bytes(each) for each in _with_descendants(pid)]
        self.peak_bytes = max(self.peak_bytes, sum(now for now, _ in processes))
        self.peak_process_bytes = max(
            self.peak_process_bytes, *(peak for _, peak in processes)
        )


def _with_descendants(pid: int) -> Iterator[int]:
    yield pid
    # Not by asking each process of the machine for its parent, which takes longer.
    with contextlib.suppress(OSError):  # a thread has ended
        for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _with_descendants(int(child))


def _resident_bytes(pid: int) -> tuple[int, int]:
    """Now, and at most since the process runs this program; 0 if it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0, 0
    kilobytes = {name: int(value) for name, value in _RESIDENT.findall(status)}
    return 1024 * kilobytes.get("RSS", 0), 1024 * kilobytes.get("HWM", 0)


def _kill_session(pid: int) -> None:
    """Ends what a command has left running, or all of it if we are interrupted."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
