"""What people should know of an exported model, in Markdown (Mitchell et al. 2019)."""

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from bert_tf.config import FinetuneConfig
from bert_tf.serving.servable import Servable
from bert_tf.serving.signatures import Signatures


def model_card(
    servable: Servable, signatures: Signatures, *, data: Mapping[str, Any] | None
) -> str:
    """The card's text.

    Args:
        servable: what was exported.
        signatures: its functions.
        data: content of the manifest of a pretraining's data; None of a fine-tuning.
    """
    config = servable.config
    sections = {
        f"# {config.task.name.replace('_', ' ').capitalize()}": _paragraphs(servable),
        "## Signatures": _table(("name", "inputs", "outputs"), _rows(signatures)),
        "## Model": _table(("", ""), _model(servable)),
        "## Data": _table(("", ""), _pretraining(data) if data else _finetuning(config)),
        "## Figures": _figures(servable),
        "## Limits": _limits(servable),
    }
    return "\n".join(f"{title}\n\n{text}\n" for title, text in sections.items())


def _paragraphs(servable: Servable) -> str:
    """What the task's class says of itself, up to what code alone has to know."""
    text = inspect.cleandoc(type(servable.task).__doc__ or "")
    return text.partition("\n\nAttributes:")[0]


def _rows(signatures: Signatures) -> Iterator[tuple[str, str, str]]:
    for name, function in sorted(signatures.items()):
        _, inputs = function.structured_input_signature
        yield f"`{name}`", _specs(inputs), _specs(function.structured_outputs)


def _specs(specs: Mapping[str, tf.TensorSpec]) -> str:
    return ", ".join(
        f"`{name}` {spec.dtype.name} [{', '.join(str(n or '?') for n in spec.shape)}]"
        for name, spec in sorted(specs.items())
    )


def _model(servable: Servable) -> Iterator[tuple[str, str]]:
    config = servable.model.config
    yield "layers", str(config.num_hidden_layers)
    yield "hidden units", str(config.hidden_size)
    yield "attention heads", str(config.num_attention_heads)
    yield "vocabulary", f"{config.vocab_size:,} WordPieces"
    yield "case", "lower case, no accents" if config.do_lower_case else "as written"
    yield (
        "weights",
        f"{servable.model.count_params():,}, stored as {servable.dtype}",
    )
    yield "computes in", servable.dtype
    for name, value in servable.task.options.items():
        yield name.replace("_", " "), str(value)
    if servable.task.config.labels:
        yield "labels", ", ".join(servable.task.config.labels)


def _finetuning(config: FinetuneConfig) -> Iterator[tuple[str, str]]:
    for name in ("init_checkpoint", "train_file", "eval_file"):
        path = getattr(config, name)
        if path:
            yield name, f"`{os.path.basename(os.path.normpath(path))}`"
    yield "epochs", str(config.num_epochs)
    yield "learning rate", str(config.learning_rate)
    yield "batch", f"{config.train_batch_size} examples"


def _pretraining(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, split in data["splits"].items():
        num_examples = sum(shard["num_examples"] for shard in split["shards"])
        yield f"{name} examples".replace("_", " "), f"{num_examples:,}"
    settings = data["config"]
    for name in (
        "language",
        "max_seq_length",
        "masking",
        "masked_lm_prob",
        "dupe_factor",
    ):
        yield name.replace("_", " "), str(settings[name])


def _figures(servable: Servable) -> str:
    if not servable.figures:
        return "None yet: the run has not ended."
    rows = (
        (name, f"{value:.4f}" if isinstance(value, float) else str(value))
        for name, value in servable.figures.items()
    )
    table = _table(("measured on held-out examples", ""), rows)
    if not servable.chosen:
        return table
    chosen = ", ".join(f"{name}={value}" for name, value in servable.chosen.items())
    return f"{table}\n\nMeasured by the run, before it was exported with {chosen}."


def _limits(servable: Servable) -> str:
    config = servable.task.config
    of_long_texts = (
        f"longer texts are seen through windows, {config.doc_stride} tokens apart"
        if servable.task.has_windows
        else "the rest of a text is not seen"
    )
    lines = [
        f"The model sees {config.max_seq_length} tokens at once; {of_long_texts}.",
        "It knows what was in its data. Other languages, topics and ways to write have "
        "not been measured, and what is unjust in the data may be in the answers.",
        "Probabilities and scores order answers; nobody has calibrated them.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [
        " | ".join(cell.replace("|", r"\|") for cell in cells)
        for cells in (head, ["---"] * len(head), *rows)
    ]
    return "\n".join(f"| {line} |" for line in lines)
