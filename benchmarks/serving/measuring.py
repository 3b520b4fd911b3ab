"""How a system is measured, in its own process.

Nothing but NumPy is imported here: see job.py.
"""

import dataclasses
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from benchmarks.serving.job import Job
from bert_tf.config import from_json

_TOKENIZING_SHARE = 0.1  # of the seconds of whole calls: it is faster


class System(Protocol):
    """A model that is loaded; classes of it are called with a job."""

    def tokenize(self, texts: list[str]) -> Any:
        """The first part of `answer`: what the model gets of texts."""

    def answer(self, texts: list[str]) -> np.ndarray:
        """The probabilities of both classes for each text, float32 [B, 2]."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    """How fast a system was. Seconds of calls are those of calls that are counted."""

    load_seconds: float  # of loading and of the first answer, imports left out
    num_calls: int
    seconds: float  # of all calls
    p50_seconds: float  # of a call, as p99_seconds
    p99_seconds: float
    tokenizing_seconds: float  # of a call that does nothing else, on average
    probabilities: list[float]  # of the second class, for each text

    @property
    def call_seconds(self) -> float:
        """The average of a call."""
        return self.seconds / self.num_calls


def run(load: Callable[[Job], System]) -> None:
    """Does the job of the command line; the last line is a `Measurement` as JSON.

    Args:
        load: loads the job's model.
    """
    measurement = measure(load, from_json(Job, sys.argv[1]))
    print(json.dumps(dataclasses.asdict(measurement)))


def measure(load: Callable[[Job], System], job: Job) -> Measurement:
    """Loads a system, and asks it for the answers to all texts, over and over."""
    batches = job.batches()
    start = time.perf_counter()
    system = load(job)
    system.answer(batches[0])
    load_seconds = time.perf_counter() - start
    answers = [system.answer(batch) for batch in batches]
    _seconds_of_calls(system.answer, batches, at_least=job.warmup_seconds)
    calls = _seconds_of_calls(system.answer, batches, at_least=job.seconds)
    system.tokenize(batches[0])  # ours has not run that function yet
    tokenizing = _seconds_of_calls(
        system.tokenize, batches, at_least=_TOKENIZING_SHARE * job.seconds
    )
    p50, p99 = np.percentile(calls, [50, 99])
    return Measurement(
        load_seconds=load_seconds,
        num_calls=len(calls),
        seconds=sum(calls),
        p50_seconds=float(p50),
        p99_seconds=float(p99),
        tokenizing_seconds=float(np.mean(tokenizing)),
        probabilities=np.concatenate(answers)[:, 1].tolist(),
    )


def _seconds_of_calls(
    function: Callable[[list[str]], Any],
    batches: Sequence[list[str]],
    *,
    at_least: float,
) -> list[float]:
    """How long each call took, until all have taken `at_least` seconds together."""
    found, total = [], 0.0
    for batch in itertools.cycle(batches):
        start = time.perf_counter()
        function(batch)
        found.append(time.perf_counter() - start)
        total += found[-1]
        if total >= at_least:
            return found
