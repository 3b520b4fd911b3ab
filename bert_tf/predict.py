r"""Asks an exported model, loading only TensorFlow and TF Text, or a fine-tuned one.

    python -m bert_tf.predict --model_dir=exports/base --text='The [MASK] of the list.'
    python -m bert_tf.predict --model_dir=exports/base --signature=embed \
        --input=lines.txt > embeddings.jsonl
    python -m bert_tf.predict --workdir=runs/sentiment --input=lines.txt > labels.jsonl
    python -m bert_tf.predict --workdir=runs/entities --input=words.conll > entities.jsonl

--text answers for people. --input reads a text a line (- is standard input) and answers
with a JSON object a line. What takes more than a text, and files whose names end in
.jsonl, have a JSON object on each line. With --workdir, .tsv, .csv, .json, .conll,
.conllu and what else of .jsonl bert_tf.finetune reads are read as it does, and need no
labels; so is any file whose --columns are named, or whose first lines have labels. Files
may be compressed: .gz, .bz2, .xz or .zst.
"""

import io
import itertools
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from absl import flags, logging

from bert_tf import cli
from bert_tf.config import Sampling, parse_sampling
from bert_tf.errors import UserError

_SEEN_LINES = 10  # of a file that may be the task's own
_EXAMPLES = re.compile(r"\.(tsv|csv|json|conllu?)(\.(gz|bz2|xz|zst))?$")

_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder of the versions, of which the newest is asked, or of one."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a run of bert_tf.finetune.")
_SIGNATURE = flags.DEFINE_string(
    "signature",
    "serving_default",
    "What to ask an exported model (--model_dir) for: its task's answer, or another.",
)
_TEXT = flags.DEFINE_multi_string("text", [], "A text to answer; may be repeated.")
_INPUT = flags.DEFINE_string("input", None, "File with a text a line, or -.")
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    32,
    "Texts answered together; 1 answers each line of standard input as it comes.",
    lower_bound=1,
)
_COLUMNS = flags.DEFINE_list(
    "columns", [], "See bert_tf.finetune; those that it was told, if not given."
)
_SAMPLING = flags.DEFINE_string("sampling", None, "Of a --workdir; see bert_tf.evaluate.")


def main(argv):
    """Answers each text."""
    del argv
    if bool(_MODEL_DIR.value) == bool(_WORKDIR.value):
        raise UserError("flag --model_dir or --workdir: expected one of them; give it.")
    if bool(_TEXT.value) == bool(_INPUT.value):
        raise UserError("Expected either --text or --input; give one of them.")
    if _WORKDIR.value and flags.FLAGS["signature"].present:
        raise UserError(
            "flag --signature: expected with --model_dir alone, received with --workdir; "
            "export the run, or leave the flag out."
        )
    if _MODEL_DIR.value and _SAMPLING.value:
        raise UserError(
            "flag --sampling: expected with --workdir alone, received with --model_dir; "
            "an exported model writes as it was exported."
        )
    columns = cli.named_columns(_COLUMNS.value)
    sampling = parse_sampling(_SAMPLING.value)
    holds_examples = bool(columns or _EXAMPLES.search(_INPUT.value or ""))
    if holds_examples and not (_WORKDIR.value and _INPUT.value):
        raise UserError(
            "--input: expected texts in lines or in .jsonl, received "
            f"{_INPUT.value or '--text and --columns'!r}; give the --workdir of the run, "
            "which knows such files, or write the texts alone, a line each."
        )
    if columns and _INPUT.value == "-":
        raise UserError(
            "--columns: expected with a file as --input, received with standard input; "
            "write the texts alone, a line each, or give a file."
        )
    cli.import_tensorflow()
    if _WORKDIR.value:
        given_answers = _answers_of_run(columns, sampling, holds_examples=holds_examples)
    else:
        given_answers = _answers_of_export()
    num_answers = num_masks = 0
    for answer in given_answers:
        num_answers += 1
        num_masks += len(answer.get("masks", "-"))
        if _TEXT.value and "masks" in answer:
            print(format_filled_masks(answer), end="\n\n")
        else:
            print(json.dumps(answer, ensure_ascii=False), flush=True)
    if not num_answers:
        raise UserError(
            f"Expected a text a line, received an empty {_INPUT.value!r}; check the file."
        )
    if not num_masks:
        logging.warning("No text has a [MASK] to fill in.")


def _answers_of_export() -> Iterator[dict]:
    signature = load_signature(_MODEL_DIR.value, _SIGNATURE.value)
    inputs = _parse(_read_texts(), input_ranks(signature))
    return answers(signature, inputs, batch_size=_BATCH_SIZE.value)


def _answers_of_run(
    columns: Mapping[str, str], sampling: Sampling | None, *, holds_examples: bool
) -> Iterator[dict]:
    from bert_tf.data.task_files.tables import TARGETS
    from bert_tf.tasks.answering import answer_examples, with_answers
    from bert_tf.tasks.finetuned import load_finetuned, trained_columns
    from bert_tf.tasks.raw_text import answer_inputs

    task, model = load_finetuned(_WORKDIR.value, sampling=sampling)
    if not columns and _INPUT.value not in (None, "-"):
        # What has no labels is answered, too.
        known = trained_columns(_WORKDIR.value, _INPUT.value)
        columns = {name: known[name] for name in known if name not in TARGETS}
    texts = [] if holds_examples else _read_texts()
    if not holds_examples and _INPUT.value not in (None, "-"):
        texts = list(texts)
        holds_examples = _are_examples(task, texts, columns)
    if holds_examples:
        examples = task.read(_INPUT.value, columns)
        task.tell_of_cut(_INPUT.value, task.num_cut(examples), len(examples))
        found = answer_examples(task, model, examples, batch_size=_BATCH_SIZE.value)
        return with_answers(examples, found)
    path, inputs = _INPUT.value or "--text", _parse(texts, task.raw_inputs)
    return answer_inputs(task, model, inputs, path=path, batch_size=_BATCH_SIZE.value)


def _are_examples(task, lines: Iterable[str], columns: Mapping[str, str]) -> bool:
    """Whether the lines of --input are the task's own though its name does not tell."""
    first = list(itertools.islice(filter(str.strip, lines), _SEEN_LINES))
    if not first:
        return False
    if not _is_jsonl():
        return task.are_examples(first)
    from bert_tf.data.task_files.opening import parse_json

    value = parse_json(_INPUT.value, first[0], expected="a JSON object")
    if not (isinstance(value, dict) and task.reads_objects):
        return False
    has_columns = columns and set(columns.values()) <= value.keys()
    return bool(has_columns) or not set(task.raw_inputs) <= value.keys()


def _is_jsonl() -> bool:
    from bert_tf.data.task_files.tables import format_of

    return format_of(_INPUT.value or "") == "jsonl"


def _parse(texts, ranks) -> Iterator[Mapping[str, Any]]:
    from bert_tf.data.raw_lines import parse_lines

    path = _INPUT.value or "--text"
    return parse_lines(path, texts, ranks, are_objects=_is_jsonl())


def load_signature(model_dir: str, name: str):
    """A signature of an exported model.

    Args:
        model_dir: folder of a version, or of the versions.
        name: of the signature.

    Returns:
        A function from strings by name to a dictionary of tensors.

    Raises:
        UserError: the folder holds no SavedModel or a damaged one, or that has no such
            signature, or one that takes something else than text.
    """
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers the operations of the graph

    path = _newest_version(model_dir)
    if not tf.saved_model.contains_saved_model(path):
        raise UserError(
            f"Expected a SavedModel in {path!r}, found none; give the --export_dir of "
            "bert_tf.export."
        )
    try:
        model = tf.saved_model.load(path)
    except (IndexError, KeyError, OSError, ValueError, tf.errors.OpError) as error:
        raise UserError(
            f"Expected a whole SavedModel in {path!r}, received a damaged one ({error}); "
            "export it again."
        ) from error
    if name not in model.signatures:
        raise UserError(
            f"Expected a model with the signature {name!r}, received one with "
            f"{', '.join(sorted(model.signatures))}; export it with that signature."
        )
    signature = model.signatures[name]
    _, specs = signature.structured_input_signature
    if any(spec.dtype != tf.string for spec in specs.values()):
        raise UserError(
            f"Expected a signature that takes text, received {name!r}, which takes "
            f"{', '.join(sorted(specs))}; ask for another."
        )
    signature.keep_alive = model  # its variables go when the model goes
    return signature


def input_ranks(signature) -> dict[str, int]:
    """The names of a signature's inputs and the ranks of their tensors."""
    _, specs = signature.structured_input_signature
    return {name: spec.shape.rank for name, spec in specs.items()}


def answers(signature, inputs, *, batch_size: int) -> Iterator[dict]:
    """Answers in batches.

    Args:
        signature: what `load_signature` returned.
        inputs: dictionaries of strings, or of lists of strings, by name.
        batch_size: inputs together.

    Yields:
        The inputs and the outputs of each in one dictionary. For masks these are
        `"masks": [[[token, probability], ...], ...]`.
    """
    from bert_tf.tasks.batches import ask

    ranks = input_ranks(signature)
    for batch, arrays in ask(signature, ranks, inputs, batch_size=batch_size):
        for row, given in enumerate(batch):
            answer = {name: values[row] for name, values in arrays.items()}
            yield dict(given) | _to_plain(answer)


def format_filled_masks(answer: dict) -> str:
    """An answer of fill_mask for a person: the text and a line for each mask."""
    lines = [answer["text"]]
    for number, candidates in enumerate(answer["masks"], start=1):
        words = "  ".join(
            f"{token} {probability:.2f}" for token, probability in candidates
        )
        lines.append(f"  {number}. {words}")
    return "\n".join(lines)


def _newest_version(model_dir: str) -> str:
    import tensorflow as tf

    from bert_tf.serving.stored_model import versions_in

    if not tf.io.gfile.isdir(model_dir):
        raise UserError(
            f"Expected a folder, received {model_dir!r}, which is none; check the path."
        )
    versions = versions_in(model_dir)
    return versions[max(versions)] if versions else model_dir


def _read_texts() -> Iterable[str]:
    """Of --text, or the lines of a file, or of standard input as they come.

    In the first and the last, bytes that are no UTF-8 are answered, as by a server.
    """
    from bert_tf.data.task_files.opening import read_lines

    if _TEXT.value:
        return [os.fsencode(text).decode("utf-8", "replace") for text in _TEXT.value]
    if _INPUT.value != "-":
        return (line for _, line in read_lines(_INPUT.value))
    # A byte order mark is no part of a text.
    lines = io.TextIOWrapper(
        sys.stdin.buffer, encoding="utf-8-sig", errors="replace", newline="\n"
    )
    return (line.rstrip("\r\n") for line in lines)


def _to_plain(answer: dict) -> dict:
    from bert_tf.tasks.batches import to_plain, without_filling

    plain = {name: to_plain(values) for name, values in sorted(answer.items())}
    if "num_masks" not in plain:
        return without_filling(plain)
    pairs = zip(plain["tokens"], plain["probabilities"], strict=True)
    masks = [list(map(list, zip(*pair, strict=True))) for pair in pairs]
    return {"masks": masks[: plain["num_masks"]]}


if __name__ == "__main__":
    cli.run(main)
