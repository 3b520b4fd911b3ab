"""The examples that our readers found, for systems that do not have them.

train.jsonl, eval.jsonl    {"inputs": {"text": "a film"}, "target": "1"}

Inputs and targets are those of `bert_tf.tasks.task.Example`. Of summaries, inputs are the
article's sentences, and the target says of each whether it is in the best extract.
"""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from bert_tf.data.sentence_spans import split_sentences
from bert_tf.files import write_atomically
from bert_tf.tasks.oracle_sentences import oracle_sentences
from bert_tf.tasks.task import Example


def write(examples: Sequence[Example], path: pathlib.Path, *, task: str) -> None:
    """Writes a file.

    Args:
        examples: of the task.
        path: of the file.
        task: its name in bert_tf.tasks.registry.
    """
    to_plain = _sentences if task == "summarisation" else _as_it_is
    lines = (json.dumps(to_plain(example)) + "\n" for example in examples)
    write_atomically(path, "".join(lines).encode())


def _as_it_is(example: Example) -> dict[str, Any]:
    target = example.target
    if dataclasses.is_dataclass(target):
        target = dataclasses.asdict(target)
    return {"inputs": dict(example.inputs), "target": target}


def _sentences(example: Example) -> dict[str, Any]:
    found = split_sentences(tf.constant([example.inputs["text"]])).text[0].numpy()
    sentences = [sentence.decode() for sentence in found if sentence.strip()]
    chosen = oracle_sentences(sentences, example.target)
    target = [number in chosen for number in range(len(sentences))]
    return {"inputs": {"sentences": sentences}, "target": target}
