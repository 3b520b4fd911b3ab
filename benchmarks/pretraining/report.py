"""The results of the benchmark, as JSON and as tables."""

import dataclasses
import json
import math
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.pretraining.job import Outcome
from benchmarks.tables import markdown_table


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """What a system made of the text with one learning rate."""

    name: str
    learning_rate: float
    load_average: float  # of the last minute before it
    outcome: Outcome | None = None  # None if it failed
    failure: str = ""  # its last words


@dataclasses.dataclass
class Results:
    """What has been measured so far."""

    machine: str
    settings: dict[str, Any]
    frequencies_loss: float  # held out, of the words' frequencies
    pretrained: list[Pretrained] = dataclasses.field(default_factory=list)
    # By the name of who pretrained the encoder, the accuracy with each seed.
    finetuned: dict[str, list[float]] = dataclasses.field(default_factory=dict)


def best(pretrained: Sequence[Pretrained]) -> dict[str, Pretrained]:
    """By system, what it made with the rate that was best for it, if it made anything."""
    found = {}
    for each in pretrained:
        if each.outcome and (
            each.name not in found
            or each.outcome.held_out_loss < found[each.name].outcome.held_out_loss
        ):
            found[each.name] = each
    return found


def to_json(results: Results) -> str:
    """All of it."""
    return json.dumps(dataclasses.asdict(results), indent=2) + "\n"


def to_markdown(results: Results) -> str:
    """Tables, the first system that was run being the one others are compared with."""
    facts = [
        results.machine,
        *(f"{name}: {value}" for name, value in results.settings.items()),
        "all have the same documents, vocabulary, tokens and two processor cores, and "
        "the same minutes for training alone",
        "held out: the same masked rows of documents that nobody has seen, 15 % of "
        f"their tokens; the words' frequencies alone have a loss of "
        f"{results.frequencies_loss:.2f}",
    ]
    sections = [
        "# Pretraining",
        "\n".join(f"- {fact}" for fact in facts),
        *_held_out(results),
        *(_finetuned(results) if results.finetuned else ()),
    ]
    return "\n\n".join(sections) + "\n"


def _held_out(results: Results) -> list[str]:
    chosen = best(results.pretrained)
    rows, failures = [], []
    for each in results.pretrained:
        if not each.outcome:
            failures.append(f"{each.name} failed at {each.learning_rate}: {each.failure}")
            continue
        of_ours = math.exp(
            each.outcome.held_out_loss - next(iter(chosen.values())).outcome.held_out_loss
        )
        seconds = each.outcome.seconds
        rows.append(
            [
                each.name,
                f"{each.learning_rate:g}",
                f"{each.outcome.num_steps:,}",
                f"{each.outcome.num_tokens / 1e6:.1f}",
                f"{seconds / 60:.1f}" if seconds else "",
                f"{each.outcome.held_out_accuracy:.3f}",
                f"{each.outcome.held_out_loss:.3f}",
                f"{of_ours:.2f}",
            ]
        )
    header = [
        *("", "learning rate", "steps", "tokens, millions", "minutes"),
        *("accuracy", "loss", "perplexity, of ours"),
    ]
    return [
        "## Masked words, held out",
        "Compared with the best of the first system.",
        markdown_table(header, rows),
        *failures,
    ]


def _finetuned(results: Results) -> list[str]:
    rows = [
        [name, *(f"{value:.3f}" for value in (median, min(found), max(found)))]
        for name, found in results.finetuned.items()
        for median in [statistics.median(found)]
    ]
    return [
        "## Fine-tuned on SST-2",
        "Accuracy on its dev set, each encoder in the same classifier; of each system it "
        "is the one with the lowest loss above.",
        markdown_table(["pretrained by", "median", "lowest", "highest"], rows),
    ]
