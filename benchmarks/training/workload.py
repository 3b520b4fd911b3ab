"""What every system is asked to do, and how it tells how long that took.

Systems run in processes of their own, in environments of their own: nothing but NumPy is
imported here.
"""

import dataclasses
import json
import time
from typing import NamedTuple, Self

import numpy as np

from bert_tf.config import BertConfig, bert_size

LONGEST = 512  # positions of every model


class Setting(NamedTuple):
    """What systems are compared at."""

    size: str  # of bert_tf.config.bert_size
    length: int  # places of an example
    dtype: str  # float32 or bfloat16, of matrix products

    def __str__(self) -> str:
        return f"{self.size}, {self.length} tokens, {self.dtype}"


def dtype_policy(dtype: str) -> str:
    """The policy of BertConfig under which matrix products are of this type."""
    return dtype if dtype == "float32" else f"mixed_{dtype}"


@dataclasses.dataclass(frozen=True)
class Workload:
    """A model, examples to train it on, and for how long."""

    setting: Setting
    vocab_size: int
    examples: str  # .npz that benchmarks.training.examples wrote
    batch_size: int  # examples
    warmup_seconds: float  # after the first step, of steps that are not counted
    seconds: float  # of steps that are

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` made."""
        fields = json.loads(text)
        return cls(**fields | {"setting": Setting(*fields["setting"])})

    def to_json(self) -> str:
        """As an argument of a system's program."""
        return json.dumps(dataclasses.asdict(self))

    def model(self) -> BertConfig:
        """The model's shape."""
        return bert_size(
            self.setting.size,
            vocab_size=self.vocab_size,
            max_position_embeddings=LONGEST,
            dtype_policy=dtype_policy(self.setting.dtype),
        )


class Batches:
    """The same batches in the same order for every system, over and over.

    Args:
        workload: names the examples and how many of them are a batch.

    Attributes:
        arrays: the examples, by the names of `input_pipeline.parse_masked`.
    """

    def __init__(self, workload: Workload):
        with np.load(workload.examples) as arrays:
            self.arrays = dict(arrays)
        self._size = workload.batch_size
        self._number = len(self.arrays["input_mask"]) // self._size
        if not self._number:
            raise ValueError(f"Expected at least {self._size} examples, received fewer.")

    def __getitem__(self, step: int) -> dict[str, np.ndarray]:
        """The batch of a step, counted from 0."""
        start = step % self._number * self._size
        return {
            name: values[start : start + self._size]
            for name, values in self.arrays.items()
        }


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What a system did in the steps that are counted."""

    num_steps: int
    seconds: float
    num_examples: int
    num_tokens: int  # without padding
    num_predictions: int
    # Operations a second of a large product of matrices, if its library was asked.
    peak_flops: float | None

    @property
    def tokens_per_second(self) -> float:
        """How fast it was."""
        return self.num_tokens / self.seconds


class Stopwatch:
    """Counts steps and what was in their batches, once it is warm.

    The first step builds graphs and compiles. Later ones do so where a batch has a shape
    that was not there before, which happens to a run of hours in its first minute.
    """

    def __init__(self, workload: Workload, batches: Batches):
        self._workload = workload
        self._batches = batches
        self._num_steps = 0
        self._num_warmup_steps: int | None = None  # not known yet
        self._start = self._seconds = 0.0

    def step_done(self) -> bool:
        """Counts a step; True if there need not be another."""
        now = time.perf_counter()
        self._num_steps += 1
        if self._num_steps == 1:
            self._start = now
        self._seconds = now - self._start
        if self._num_warmup_steps is not None:
            return self._seconds >= self._workload.seconds
        if self._seconds >= self._workload.warmup_seconds:
            self._num_warmup_steps = self._num_steps
            self._start = now
        return False

    def print_measurement(self, *, peak_flops: float | None = None) -> None:
        """Prints a `Measurement` as JSON, the last line of a system's output."""
        steps = range(self._num_warmup_steps, self._num_steps)
        batches = [self._batches[step] for step in steps]
        measurement = Measurement(
            num_steps=len(steps),
            seconds=self._seconds,
            num_examples=len(steps) * self._workload.batch_size,
            num_tokens=sum(int(batch["input_mask"].sum()) for batch in batches),
            num_predictions=sum(
                int(batch["masked_lm_weights"].sum()) for batch in batches
            ),
            peak_flops=peak_flops,
        )
        print(json.dumps(dataclasses.asdict(measurement)))
