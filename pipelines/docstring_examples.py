"""Labelled examples for three tasks, which docstrings give of themselves."""

import collections
import hashlib
import itertools
import json
import pathlib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from absl import logging

from bert_tf.errors import UserError
from bert_tf.files import write_atomically
from pipelines.docstring_arguments import arguments_of
from pipelines.docstrings import (
    Docstring,
    is_prose,
    package_files,
    paragraphs_of,
    read_sources,
)

MIN_WORDS, MAX_WORDS = 8, 40  # of a text that fits into the demo's 64 tokens
MIN_ARGUMENTS = 3  # to choose from
MIN_SENTENCES, MAX_SENTENCES = 5, 10  # of an article; a summary takes three
_HELD_OUT_BELOW = bytes([51])  # of digests: a fifth

_PACKAGE_NAME = re.compile(
    r"python|numpy|tensorflow|keras|apache|beam|\b(np|tf)\b", re.IGNORECASE
)


class Example(NamedTuple):
    """One example of a task."""

    text: str  # what it is about
    record: dict[str, Any]  # as the task's file has it


# --- Examples of a docstring -----------------------------------------------------------


def classification_example(docstring: Docstring, package: str) -> Example | None:
    """The first sentences that do not name a package, as many as fit."""
    sentences = [s for s in docstring.sentences if not _PACKAGE_NAME.search(s)]
    text = " ".join(_that_fit(sentences))
    if len(text.split()) < MIN_WORDS:
        return None
    return Example(text, {"text": text, "label": package})


def question_example(docstring: Docstring) -> Example | None:
    """The first arguments, as many as fit; a question on each described in prose."""
    entries = _that_fit([": ".join(each) for each in arguments_of(docstring.text)])
    context = "\n".join(entries)
    questions, end = [], -1
    for entry in entries:
        name, _, answer = entry.partition(": ")
        end += len(f"\n{entry}")
        if is_prose(answer):
            questions.append(
                {
                    "id": f"{_digest(context).hex()[:16]}-{len(questions)}",
                    "question": f"What is {name}?",
                    "answers": [{"text": answer, "answer_start": end - len(answer)}],
                }
            )
    if len(entries) < MIN_ARGUMENTS or not questions:
        return None
    return Example(context, {"context": context, "qas": questions})


def summary_example(docstring: Docstring) -> Example | None:
    """The first paragraph if it is a sentence of prose, and the sentences after it."""
    summary, *sentences = docstring.sentences
    is_summary = next(paragraphs_of(docstring.text)) == summary
    if not is_summary or not MIN_SENTENCES <= len(sentences) <= MAX_SENTENCES:
        return None
    article = "\n".join(sentences)
    return Example(article, {"article": article, "summary": summary})


def _that_fit(parts: Sequence[str]) -> list[str]:
    """The first ones, with at most MAX_WORDS words in all."""
    num_words = itertools.accumulate(len(part.split()) for part in parts)
    return [part for part, num in zip(parts, num_words, strict=True) if num <= MAX_WORDS]


# --- Files of examples -----------------------------------------------------------------


def without_shared_texts(examples: Sequence[Example]) -> list[Example]:
    """Those whose text has one label alone."""
    labels = collections.defaultdict(set)
    for text, record in examples:
        labels[_digest(text)].add(record["label"])
    return [each for each in examples if len(labels[_digest(each.text)]) == 1]


def split(examples: Iterable[Example]) -> dict[str, list[Example]]:
    """Examples by the file they go to, each text once.

    They are in the order of their digests, which is as good as a random one.
    """
    by_digest = {_digest(example.text): example for example in examples}
    files = {"train": [], "held_out": []}
    for digest, example in sorted(by_digest.items()):
        name = "held_out" if digest < _HELD_OUT_BELOW else "train"
        files[name].append(example)
    return files


def balanced(examples: Sequence[Example]) -> list[Example]:
    """The first ones of each label, as many as there are of the rarest."""
    by_label = collections.defaultdict(list)
    for number, (_, record) in enumerate(examples):
        by_label[record["label"]].append(number)
    # A row has one of each label; it ends with the rarest.
    kept = itertools.chain.from_iterable(zip(*by_label.values(), strict=False))
    return [examples[number] for number in sorted(kept)]


def write_tasks(packages: Sequence[str], output: pathlib.Path) -> None:
    """Writes the files of all tasks, logging progress and sizes.

    Args:
        packages: see `package_files`.
        output: a folder, made if need be.

    Raises:
        UserError: a package is not installed, or `output` cannot be written.
    """
    files = [(package, path) for package in packages for path in package_files(package)]
    classified, asked, summed_up = [], [], []
    sources = read_sources([path for _, path in files])
    for (package, _), source in zip(files, sources, strict=True):
        for docstring in source.docstrings:
            classified.append(classification_example(docstring, package))
            asked.append(question_example(docstring))
            summed_up.append(summary_example(docstring))
    for task, examples in (
        ("classification", without_shared_texts(list(filter(None, classified)))),
        ("question_answering", filter(None, asked)),
        ("summarisation", filter(None, summed_up)),
    ):
        for name, part in split(examples).items():
            if task == "classification":
                part = balanced(part)
            _write(output / task, name, [example.record for example in part])


def _write(folder: pathlib.Path, name: str, records: Sequence[dict[str, Any]]) -> None:
    """Writes objects a line, or paragraphs of questions as SQuAD has them."""
    if folder.name == "question_answering":
        path = folder / f"{name}.json"
        lines = [json.dumps({"data": [{"title": name, "paragraphs": records}]})]
    else:
        path = folder / f"{name}.jsonl"
        lines = map(json.dumps, records)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"--output: expected a folder that can be made, received {folder} "
            f"({error.strerror}); choose another."
        ) from error
    write_atomically(path, "".join(f"{line}\n" for line in lines).encode())
    logging.info("Wrote %s: %d texts.", path, len(records))


def _digest(text: str) -> bytes:
    """Of its letters; the demo's BERT does not know capital ones."""
    return hashlib.sha256(text.lower().encode()).digest()
