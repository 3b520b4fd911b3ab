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
READ_CHARACTERS = "read_characters"
BUCKET_PASSES = "bucket_passes"
WRITTEN_SHARDS = "written_shards"
STAGES = (READ_CHARACTERS, BUCKET_PASSES, WRITTEN_SHARDS)
SECONDS_BETWEEN_LOG_LINES = 5.0


def report(progress_dir: str | None, stage: str, amount: int) -> None:
    """Adds to what this process has done of a stage.

    Args:
        progress_dir: a local folder; None where nobody watches.
        stage: one of `STAGES`.
        amount: in the unit of the stage.
    """
    if progress_dir is None:
        return
    # A worker that outlives a stopped job must not bring the folder back or fail.
    with (
        contextlib.suppress(FileNotFoundError),
        open(os.path.join(progress_dir, f"{stage}.{os.getpid()}"), "a") as file,
    ):
        file.write(f"{amount}\n")


def totals(progress_dir: str) -> dict[str, int]:
    """What all processes have reported of each stage so far."""
    sums = dict.fromkeys(STAGES, 0)
    for stage in STAGES:
        for path in pathlib.Path(progress_dir).glob(f"{stage}.*"):
            # The last line may be half written.
            complete, _, _ = path.read_text().rpartition("\n")
            sums[stage] += sum(map(int, complete.split()))
    return sums


def describe(done: Mapping[str, int], expected: Mapping[str, int], seconds: float) -> str:
    """One line about the running stage: how much of it, how fast, how much longer.

    Args:
        done: for each stage, what is done.
        expected: for each stage, what there is to do; of text this is an estimate.
        seconds: since the running stage began.
    """
    stage = running_stage(done)
    share = min(done[stage] / max(expected[stage], 1), 1)
    unit, scale = {
        READ_CHARACTERS: ("million characters read and tokenized", 1e6),
        BUCKET_PASSES: ("passes over buckets paired and masked", 1),
        WRITTEN_SHARDS: ("shards written", 1),
    }[stage]
    amount = f"{done[stage] / scale:.4g} of {expected[stage] / scale:.4g} {unit}"
    if not share or not seconds:
        return amount
    rate = done[stage] / scale / seconds
    left = seconds * (1 - share) / share
    return f"{amount} ({share:.0%}, {rate:.2g} a second, {left:.0f} s left of this step)"


def running_stage(done: Mapping[str, int]) -> str:
    """The last stage of which something is done; the first if nothing is."""
    begun = [stage for stage in STAGES if done[stage]]
    return begun[-1] if begun else STAGES[0]


@contextlib.contextmanager
def logged(
    progress_dir: str | None,
    expected: Mapping[str, int],
    *,
    log: Callable[[str], None] = logging.info,
    interval_seconds: float = SECONDS_BETWEEN_LOG_LINES,
) -> Iterator[None]:
    """Logs the progress every few seconds while the `with` block runs.

    Args:
        progress_dir: the workers' folder; None logs nothing.
        expected: for each stage, what there is to do.
        log: takes a line.
        interval_seconds: between two lines.
    """
    if progress_dir is None:
        yield
        return
    stopped = threading.Event()

    def watch() -> None:
        start = time.monotonic()
        starts = dict.fromkeys(STAGES, start)
        stage = STAGES[0]
        while not stopped.wait(interval_seconds):
            done = totals(progress_dir)
            if running_stage(done) != stage:
                # It began at some time since the last line.
                stage = running_stage(done)
                starts[stage] = time.monotonic() - interval_seconds / 2
            log(describe(done, expected, time.monotonic() - starts[stage]))

    thread = threading.Thread(target=watch, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
