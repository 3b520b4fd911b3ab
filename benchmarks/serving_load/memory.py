"""How much memory a process has, second by second. Linux only."""

import contextlib
import os
import pathlib
import statistics
import threading
from collections.abc import Iterator, Sequence

_SECONDS_BETWEEN_SAMPLES = 1.0
# In a shorter run the second fifth is when the server still grows to its size.
MIN_SAMPLES = 180
_PARTS = 5


@contextlib.contextmanager
def sampled(pid: int) -> Iterator[list[int]]:
    """Samples the resident memory of a process meanwhile.

    Args:
        pid: of the process.

    Yields:
        A list of bytes, which grows by one a second until the process ends.
    """
    samples, stopped = [], threading.Event()
    thread = threading.Thread(target=_watch, args=[pid, samples, stopped], name="memory")
    thread.start()
    try:
        yield samples
    finally:
        stopped.set()
        thread.join()


def medians(samples: Sequence[int]) -> list[float]:
    """The median of each fifth of the time.

    Args:
        samples: bytes, at equal intervals; at least five.
    """
    size = len(samples) // _PARTS
    return [
        statistics.median(samples[part * size : (part + 1) * size])
        for part in range(_PARTS)
    ]


def growth(samples: Sequence[int]) -> float:
    """The median of the last fifth over that of the second."""
    _, second, *_, last = medians(samples)
    return last / second


def _watch(pid: int, samples: list[int], stopped: threading.Event) -> None:
    while True:
        with contextlib.suppress(OSError):  # it has ended
            samples.append(_resident_bytes(pid))
        if stopped.wait(_SECONDS_BETWEEN_SAMPLES):
            return


def _resident_bytes(pid: int) -> int:
    pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
