"""What a run is: in a few words, by its settings and by its data."""

import dataclasses
import statistics
from typing import Any

from bert_tf.config import PretrainConfig
from bert_tf.html.sections import counted
from bert_tf.training.report.run import Run, digest, num_examples

SPLITS = {"train": "training", "held_out": "held-out"}


def summary(run: Run) -> dict[str, str]:
    """What a run is, in a few words each."""
    model = run.config.model
    phases = run.phases[: 1 + run.phases.index(run.phase)]
    num_tokens = run.num_tokens
    speeds = [value for _, value in run.curve("tokens_per_second")]
    return {
        "Steps": steps(run),
        "Examples seen": f"{run.num_examples:,}",
        "Tokens seen": "–" if num_tokens is None else f"about {_rounded(num_tokens)}",
        "Passes over the data": " + ".join(
            f"{phase.num_examples / num_examples(phase.splits['train']):.2f}"
            for phase in phases
        ),
        "Tokens a second": f"{statistics.median(speeds):,.0f}" if speeds else "–",
        "Examples a step": ", then ".join(
            f"{phase.input.train_batch_size:,}" for phase in phases
        ),
        "Tokens of a row": ", then ".join(
            f"{phase.row_length or '–'}{' (packed)' * phase.input.packing}"
            for phase in phases
        ),
        "Model": f"{counted(model.num_hidden_layers, 'layer')}, "
        f"{model.hidden_size} units, {counted(model.num_attention_heads, 'head')}",
        "Computed in": model.dtype_policy,
        "Learning rate": f"{run.config.optimizer.learning_rate:g}, "
        f"{run.config.optimizer.schedule.replace('_', ' ')}",
        "Strategy": run.config.strategy.replace("_", " "),
        "Seed": f"{run.config.seed}",
    }


def steps(run: Run) -> str:
    """`900 of 1,750`; `1,750` if it is complete."""
    if run.is_complete:
        return f"{run.step:,}"
    if run.num_train_steps is None:
        return f"{run.step:,}, in up to {run.config.num_train_minutes:g} minutes"
    return f"{run.step:,} of {run.num_train_steps:,}"


def _rounded(number: float) -> str:
    """`987`, `12.3 thousand`, `3.2 billion`."""
    units = ("trillion", "billion", "million", "thousand")
    for exponent, unit in zip((4, 3, 2, 1), units, strict=True):
        if number >= 1000**exponent:
            return f"{number / 1000**exponent:,.1f} {unit}"
    return f"{number:.0f}"


def settings(run: Run) -> dict[str, Any]:
    """The configuration by dotted names, without what the run has no part for."""
    flat = _flatten(dataclasses.asdict(run.config))
    if run.config.num_long_steps:
        return flat
    return {
        name: value for name, value in flat.items() if not name.startswith("long_input.")
    }


def default_settings() -> dict[str, Any]:
    """What a configuration has unless it says otherwise, by dotted names."""
    return _flatten(dataclasses.asdict(PretrainConfig()))


def _flatten(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in config.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def digests(run: Run) -> dict[str, str]:
    """What the data are known by."""
    return {
        f"{SPLITS[name]} examples{number}": digest(split)
        for number, phase in zip(("", " (long)"), run.phases, strict=False)
        for name, split in phase.splits.items()
    } | {"vocabulary": run.data["vocab_digest"]}
