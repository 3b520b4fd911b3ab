"""Tells how far a running job is, whichever processes do its work.

Workers append numbers to files of their own in a folder that they share with the main
program, and a thread there adds them up. Beam's metrics cannot do it: the local runner
hands them over at the end only. The exact counts of the manifest are never made of
these, since a retried worker reports twice.
"""

import contextlib
import os
import pathlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from absl import logging

# What is counted, which is also how the files are named.
READ_BYTES = "read_bytes"
PLANNED_SHARDS = "planned_shards"
WRITTEN_SHARDS = "written_shards"
COUNTS = (READ_BYTES, PLANNED_SHARDS, WRITTEN_SHARDS)
SECONDS_BETWEEN_LOG_LINES = 5.0


def report(progress_dir: str | None, count: str, amount: int) -> None:
    """Adds to what this process has done.

    Args:
        progress_dir: a local folder; None where nobody watches.
        count: one of `COUNTS`.
        amount: to add.
    """
    if progress_dir is None:
        return
    # A worker that outlives a stopped job must not bring the folder back or fail.
    with (
        contextlib.suppress(FileNotFoundError),
        open(os.path.join(progress_dir, f"{count}.{os.getpid()}"), "a") as file,
    ):
        file.write(f"{amount}\n")


def totals(progress_dir: str) -> dict[str, int]:
    """What all processes have reported so far of each of `COUNTS`."""
    sums = dict.fromkeys(COUNTS, 0)
    for count in COUNTS:
        for path in pathlib.Path(progress_dir).glob(f"{count}.*"):
            # The last line may be half written.
            complete, _, _ = path.read_text().rpartition("\n")
            sums[count] += sum(map(int, complete.split()))
    return sums


def describe(done: Mapping[str, int], num_bytes: int, seconds: float) -> str:
    """One line about the running step: how much of it, how fast, how much longer.

    Args:
        done: what `totals` gave.
        num_bytes: of text to read; may be an estimate.
        seconds: since the running step began.
    """
    if is_writing(done):
        amount, total, unit = done[WRITTEN_SHARDS], done[PLANNED_SHARDS], "shards written"
    else:
        amount, total, unit = done[READ_BYTES] / 1e6, num_bytes / 1e6, "MB of text read"
    line = f"{amount:.4g} of {total:.4g} {unit}"
    share = min(amount / max(total, 1e-6), 1)
    if not share or not seconds:
        return line
    left = seconds * (1 - share) / share
    return (
        f"{line} ({share:.0%}, {amount / seconds:.2g} a second, {left:.0f} s left of "
        "this step)"
    )


def is_writing(done: Mapping[str, int]) -> bool:
    """Whether all text is read, so that shards are being written."""
    return done[PLANNED_SHARDS] > 0


@contextlib.contextmanager
def logged(
    progress_dir: str | None,
    num_bytes: int,
    *,
    log: Callable[[str], None] = logging.info,
    interval_seconds: float = SECONDS_BETWEEN_LOG_LINES,
) -> Iterator[None]:
    """Logs the progress every few seconds while the `with` block runs.

    Args:
        progress_dir: the workers' folder; None logs nothing.
        num_bytes: of text to read; may be an estimate.
        log: takes a line.
        interval_seconds: between two lines.
    """
    if progress_dir is None:
        yield
        return
    stopped = threading.Event()

    def watch() -> None:
        step_start = time.monotonic()
        was_writing = False
        while not stopped.wait(interval_seconds):
            done = totals(progress_dir)
            if is_writing(done) and not was_writing:
                # It began at some time since the last line.
                was_writing = True
                step_start = time.monotonic() - interval_seconds / 2
            log(describe(done, num_bytes, time.monotonic() - step_start))

    thread = threading.Thread(target=watch, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
