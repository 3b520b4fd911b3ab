"""A run as its folder tells it."""

import dataclasses
import functools
import hashlib
import math
import os
import string
from collections.abc import Sequence
from typing import Any

from bert_tf.config import InputConfig, PretrainConfig
from bert_tf.files import read_json
from bert_tf.modeling.checkpoints.run_dir import (
    METRICS_FILE,
    PREDICTIONS_FILE,
    RESULTS_FILE,
    read_config,
    read_data_manifest,
)
from bert_tf.training.metrics_log import Line, read_lines

_HELD_OUT = ("masked_lm_loss", "masked_lm_accuracy", "next_sentence_accuracy")

Points = list[tuple[int, float]]  # (step, value), by step


@dataclasses.dataclass(frozen=True)
class Phase:
    """The part of a run that is on one data set."""

    first_step: int
    stop_step: int  # or so many as are trained yet
    input: InputConfig
    splits: dict[str, Any]  # see bert_tf.data.manifest.Split
    row_length: int | None  # tokens; None if the manifest does not tell

    @property
    def num_examples(self) -> int:
        """That were trained on, repetitions included."""
        return max(0, self.stop_step - self.first_step) * self.input.train_batch_size

    @property
    def num_tokens(self) -> float | None:
        """Of these examples, by the mean of the data set; None if it does not tell."""
        counts = self.splits["train"]["counts"]
        if not counts.get("examples"):
            return None
        return self.num_examples * counts["example_tokens"] / counts["examples"]


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run's folder holds, but for its weights."""

    name: str  # the folder
    config: PretrainConfig
    data: dict[str, Any]  # see bert_tf.data.manifest.Manifest
    metrics: list[Line]
    predictions: list[Line]
    results: dict[str, float]  # empty until it is complete

    @functools.cached_property
    def step(self) -> int:
        """The last one that was measured."""
        return max((line["step"] for line in self.metrics), default=0)

    @property
    def num_train_steps(self) -> int | None:
        """That it is to have; None if it ends by time."""
        return None if self.config.num_train_minutes else self.config.num_train_steps

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to do, as far as one can see."""
        return bool(self.results) or self.step == self.num_train_steps

    @functools.cached_property
    def phases(self) -> list[Phase]:
        """Its parts, those to come included."""
        config = self.config
        stop_step = max(self.step, config.num_train_steps)  # more if it ends by time
        first_long_step = stop_step - config.num_long_steps
        parts = [
            (first, stop, part)
            for first, stop, part in (
                (0, first_long_step, config.input),
                (first_long_step, stop_step, config.long_input),
            )
            if first < stop
        ]
        splits = [self.data["splits"], *self.data["long_splits"]]
        lengths = [self.data["config"]["max_seq_length"], *map(_longest, splits[1:])]
        return [
            Phase(first, min(stop, self.step), part, of_phase, length)
            for (first, stop, part), of_phase, length in zip(
                parts, splits, lengths, strict=True
            )
        ]

    @functools.cached_property
    def phase(self) -> Phase:
        """The part that its last step is in."""
        begun = [phase for phase in self.phases if phase.first_step < self.step]
        return begun[-1] if begun else self.phases[0]

    @property
    def num_examples(self) -> int:
        """That it was trained on, repetitions included."""
        return sum(phase.num_examples for phase in self.phases)

    @property
    def num_tokens(self) -> float | None:
        """Of these examples, about; None if it is not known."""
        counts = [phase.num_tokens for phase in self.phases]
        return None if None in counts else sum(counts)

    @property
    def held_out(self) -> dict[str, float]:
        """Figures of the last evaluation, on all examples if the run is complete."""
        if self.results:
            return self.results
        last = {name: self.curve(name, "held_out")[-1:] for name in _HELD_OUT}
        figures = {name: value for name, points in last.items() for _, value in points}
        if "masked_lm_loss" in figures:
            loss = figures["masked_lm_loss"]
            figures["masked_lm_perplexity"] = math.exp(min(loss, 700.0))
        return figures

    @property
    def baselines(self) -> dict[str, float]:
        """What needs no model, by the names of the held-out figures; see the manifest."""
        return {
            name: self.results.get(f"baseline_{name}", value)
            for name, value in self.data["baselines"].items()
        }

    @property
    def next_sentence_interval(self) -> float:
        """Half of the 95 % interval of a coin's accuracy on the examples evaluated."""
        most = self.config.max_eval_steps * self.phase.input.eval_batch_size
        num_held_out = num_examples(self.phase.splits["held_out"])
        num_evaluated = self.results.get("num_examples", min(most, num_held_out))
        return 1.96 * math.sqrt(0.25 / max(1, num_evaluated))

    def curve(self, name: str, split: str = "train") -> Points:
        """What was measured of a figure; nothing that is not finite.

        Args:
            name: as in metrics.jsonl, or `padding`, a share of the tokens.
            split: `train` or `held_out`.
        """
        if name == "padding":
            return _padding(self.curve("tokens_per_row", split), self.phases)
        return [
            (line["step"], line[name])
            for line in self.metrics
            if line["split"] == split and math.isfinite(line.get(name, math.nan))
        ]


def read_run(workdir: str) -> Run:
    """Reads a run's folder.

    Raises:
        UserError: it is none, or what it holds cannot be read.
    """
    config = read_config(workdir)
    return Run(
        name=workdir,
        config=config,
        data=read_data_manifest(workdir),
        metrics=read_lines(os.path.join(workdir, METRICS_FILE)),
        predictions=read_lines(os.path.join(workdir, PREDICTIONS_FILE)),
        results=read_json(os.path.join(workdir, RESULTS_FILE)) or {},
    )


def lettered(runs: Sequence[Run]) -> list[tuple[str, Run]]:
    """The runs, each with its letter: A, B and so on."""
    return list(zip(string.ascii_uppercase, runs, strict=False))


def num_examples(split: dict[str, Any]) -> int:
    """How many examples a split has."""
    return sum(shard["num_examples"] for shard in split["shards"])


def digest(split: dict[str, Any]) -> str:
    """One digest of the shards of a split: of their digests, in order."""
    digests = "".join(shard["sha256"] for shard in split["shards"])
    return hashlib.sha256(digests.encode()).hexdigest()


def _longest(splits: dict[str, Any]) -> int | None:
    histogram = splits["train"]["histograms"].get("example_tokens", ())
    return len(histogram) - 1 if histogram else None


def _padding(tokens_per_row: Points, phases: list[Phase]) -> Points:
    return [
        (step, 1 - num_tokens / phase.row_length)
        for step, num_tokens in tokens_per_row
        for phase in phases
        if phase.first_step < step <= phase.stop_step and phase.row_length
    ]
