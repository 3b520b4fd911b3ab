"""What programs of the benchmark are told to do, and how they tell what came of it.

Systems run in processes of their own, in environments of their own: nothing but NumPy is
imported here.
"""

import dataclasses
import json
import pathlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Self

import numpy as np

from benchmarks.training.workload import dtype_policy
from bert_tf.config import BertConfig, bert_size

MAX_SEQ_LENGTH = 128
MASKED_LM_PROB = 0.15
MAX_PREDICTIONS_PER_SEQ = 20
WEIGHTS = "weights.npz"
_EVAL_BATCH_SIZE = 64


@dataclasses.dataclass(frozen=True)
class _Argument:
    """What a program is given as JSON."""

    @classmethod
    def from_arguments(cls) -> Self:
        """The first argument of this program."""
        return cls(**json.loads(sys.argv[1]))

    def to_json(self) -> str:
        """The argument for a program."""
        return json.dumps(dataclasses.asdict(self))


@dataclasses.dataclass(frozen=True)
class Task(_Argument):
    """An encoder to fine-tune on SST-2."""

    sst2: str  # GLUE's folder
    vocab_file: str
    size: str  # of bert_tf.config.bert_size
    weights: str  # .npz; empty for random ones
    library: str  # whose names they have: bert_tf, hugging_face or keras_hub
    num_train_examples: int
    num_epochs: int
    num_seeds: int


@dataclasses.dataclass(frozen=True)
class Job(_Argument):
    """A model to pretrain, data and a budget of time."""

    data: str  # folder that corpus.make wrote
    output: str  # folder; gets `weights.npz`
    size: str  # of bert_tf.config.bert_size
    vocab_size: int
    dtype: str  # float32 or bfloat16, of matrix products
    minutes: float  # of training
    batch_size: int  # examples of at most 128 tokens
    learning_rate: float  # the highest of the schedule

    def model(self, **overrides) -> BertConfig:
        """The model's shape; overrides are other fields of it."""
        return bert_size(
            self.size,
            vocab_size=self.vocab_size,
            max_position_embeddings=MAX_SEQ_LENGTH,
            dtype_policy=dtype_policy(self.dtype),
            **overrides,
        )

    def train_rows(self) -> np.ndarray:
        """Documents in rows of ids, int32 [N, 128]: [CLS] tokens [SEP], then padding."""
        with np.load(pathlib.Path(self.data, "train.npz")) as arrays:
            return arrays["input_word_ids"]

    def held_out_batches(self) -> Iterator[dict[str, np.ndarray]]:
        """Masked rows that nobody trains on, by `input_pipeline.parse_masked`'s names."""
        with np.load(pathlib.Path(self.data, "held_out.npz")) as arrays:
            arrays = dict(arrays)
        for start in range(0, len(arrays["input_mask"]), _EVAL_BATCH_SIZE):
            yield {
                name: values[start : start + _EVAL_BATCH_SIZE]
                for name, values in arrays.items()
            }

    def save_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Writes them, under the names the system has for them."""
        np.savez(pathlib.Path(self.output, WEIGHTS), **weights)


class Clock:
    """Time from its making to the end of a budget."""

    def __init__(self, *, minutes: float):
        self._budget = 60 * minutes
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """That have passed."""
        return time.monotonic() - self._start

    @property
    def share_left(self) -> float:
        """Of the budget, 0 at the end and after it."""
        return max(1 - self.seconds / self._budget, 0.0)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a job."""

    num_steps: int
    num_tokens: int  # without padding, each as often as it was seen
    seconds: float | None  # of training; None if only the end of a run was left
    held_out_loss: float  # cross entropy in nats of the masked tokens
    held_out_accuracy: float

    def print(self) -> None:
        """As JSON, the last line of a system's output."""
        print(json.dumps(dataclasses.asdict(self)))


def evaluate(
    job: Job, predict: Callable[[dict[str, np.ndarray]], np.ndarray]
) -> dict[str, float]:
    """The held-out figures of an Outcome.

    Args:
        job: tells what is held out.
        predict: gives the logits [B, P, V] of the masked positions [B, P] of a batch.
    """
    loss = right = weight = 0.0  # sums
    for batch in job.held_out_batches():
        logits = predict(batch).astype(np.float64)
        labels = batch["masked_lm_ids"]
        weights = batch["masked_lm_weights"].astype(np.float64)
        loss += (weights * _cross_entropy(logits, labels)).sum()
        right += (weights * (logits.argmax(axis=-1) == labels)).sum()
        weight += weights.sum()
    return {
        "held_out_loss": float(loss / weight),
        "held_out_accuracy": float(right / weight),
    }


def _cross_entropy(logits_BPV: np.ndarray, labels_BP: np.ndarray) -> np.ndarray:
    highest_BP1 = logits_BPV.max(axis=-1, keepdims=True)
    partition_BP = np.log(np.exp(logits_BPV - highest_BP1).sum(axis=-1))
    of_label_BP1 = np.take_along_axis(logits_BPV, labels_BP[..., None], axis=-1)
    return partition_BP - (of_label_BP1 - highest_BP1)[..., 0]
