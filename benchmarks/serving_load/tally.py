"""What became of requests, counted by their kinds."""

import dataclasses
import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

MAX_EXAMPLES = 20  # of what was wrong
_SHOWN_CHARACTERS = 300  # of each


class Wrong(Exception):
    """What was received is not what should have been."""


@dataclasses.dataclass(frozen=True)
class Request:
    """Something to send, and what is to come back.

    Attributes:
        kind: requests of a kind are counted together.
        ask: sends it and returns what is received, or raises it.
        check: takes what was returned or raised, and gives it a name for the report;
            raises Wrong if it should not have been.
        is_good: whether it deserves an answer, rather than an error.
    """

    kind: str
    ask: Callable[[], Any]
    check: Callable[[Any], str]
    is_good: bool = False


@dataclasses.dataclass
class KindResult:
    """Requests of a kind."""

    kind: str
    is_good: bool
    num_begun: int = 0
    num_wrong: int = 0
    received: dict[str, int] = dataclasses.field(default_factory=dict)  # rightly
    p50_ms: float = 0.0  # until the last byte is read, retries included
    p99_ms: float = 0.0

    @property
    def num_lost(self) -> int:
        """Requests that have come to no end."""
        return self.num_begun - self.num_wrong - sum(self.received.values())


class Tally:
    """Counts, from any thread."""

    def __init__(self):
        self.examples: list[str] = []  # of what was wrong
        self._lock = threading.Lock()
        self._results: dict[str, KindResult] = {}
        self._received: dict[str, Counter] = {}
        self._seconds: dict[str, list[float]] = {}

    def send(self, request: Request) -> None:
        """Sends a request, and counts what was received."""
        self._begin(request)
        start = time.perf_counter()
        try:
            received = request.ask()
        except Exception as error:  # whatever it is: the check knows what is right
            received = error
        seconds = time.perf_counter() - start
        try:
            self._end(request, seconds, request.check(received))
        except Wrong as wrong:
            self._end_wrongly(request, seconds, str(wrong))

    def results(self) -> list[KindResult]:
        """What was counted until now: good requests first, each kind by its name."""
        with self._lock:
            return sorted(
                map(self._result, self._results),
                key=lambda result: (not result.is_good, result.kind),
            )

    def _begin(self, request: Request) -> None:
        kind = request.kind
        with self._lock:
            if kind not in self._results:
                self._results[kind] = KindResult(kind, request.is_good)
                self._received[kind] = Counter()
                self._seconds[kind] = []
            self._results[kind].num_begun += 1

    def _end(self, request: Request, seconds: float, name: str) -> None:
        with self._lock:
            self._received[request.kind][name] += 1
            self._seconds[request.kind].append(seconds)

    def _end_wrongly(self, request: Request, seconds: float, message: str) -> None:
        with self._lock:
            self._results[request.kind].num_wrong += 1
            self._seconds[request.kind].append(seconds)
            if len(self.examples) < MAX_EXAMPLES:
                self.examples.append(f"{request.kind}: {message[:_SHOWN_CHARACTERS]}")

    def _result(self, kind: str) -> KindResult:
        milliseconds = sorted(1000 * seconds for seconds in self._seconds[kind])
        return dataclasses.replace(
            self._results[kind],
            received=dict(self._received[kind]),
            p50_ms=_percentile(milliseconds, 50),
            p99_ms=_percentile(milliseconds, 99),
        )


def _percentile(ordered: list[float], percent: int) -> float:
    """The smallest value that is not below so many of all; 0 of none."""
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else 0.0
