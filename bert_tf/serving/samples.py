"""Inputs to try every signature with: for golden answers and for warming up.

Rows 0 and 1 are short, row 2 is empty, and row 3 is longer than many a model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.serving.protocol import DEFAULT_SIGNATURE, EXAMPLES
from bert_tf.serving.signatures import Signatures
from bert_tf.tasks.fill_mask import MASK

SHORT_ROWS = (0, 1)
ALL_ROWS = (0, 1, 2, 3)

_TEXTS = (
    f"The {MASK} of the {MASK}.",
    "Naïve café, 日本語 — déjà vu!",
    "",
    "He said that the list is long. It is, and he went on. " * 20,
)
_BY_NAME: Mapping[str, Sequence[Any]] = {
    "text": _TEXTS,
    "text_pair": ("It is one of them.", "", "déjà vu", "All of it is. " * 20),
    "question": ("What is it?", "Où?", "", "Who said that the list is long?"),
    "context": _TEXTS,
    "choices": (
        ("It is one.", "It is none.", ""),
        ("café", "日本語", "vu"),
        ("", "one", ""),
        ("The end.", "", "He went on. " * 20),
    ),
}


def sample_texts(names: Sequence[str], rows: Sequence[int]) -> dict[str, tf.Tensor]:
    """Raw inputs by their names; strings."""
    return {
        name: tf.constant([_BY_NAME[name][row] for row in rows], tf.string)
        for name in names
    }


def sample_inputs(
    signatures: Signatures, name: str, rows: Sequence[int]
) -> dict[str, tf.Tensor]:
    """The inputs of a signature.

    Args:
        signatures: all of the model.
        name: of the one.
        rows: see the module's docstring.
    """
    names = input_names(signatures[name])
    if EXAMPLES in names:
        texts = sample_texts(input_names(signatures[DEFAULT_SIGNATURE]), rows)
        return {EXAMPLES: tf.constant(to_examples(texts))}
    if not set(names) <= set(ENCODER_INPUTS):
        return sample_texts(names, rows)
    texts = sample_texts(input_names(signatures["preprocess"]), rows)
    packed = signatures["preprocess"](**texts)
    rank = signatures[name].structured_input_signature[1]["input_mask"].shape.rank
    if rank == 2:  # of sequences, where an answer takes several, or none
        packed = {key: tf.reshape(v, [-1, v.shape[-1]]) for key, v in packed.items()}
        has_tokens = tf.reduce_any(packed["input_mask"] > 0, axis=1)
        packed = {key: tf.boolean_mask(v, has_tokens) for key, v in packed.items()}
    return {key: packed[key] for key in ENCODER_INPUTS}


def input_names(signature) -> list[str]:
    """The names of a signature's inputs, sorted."""
    return sorted(signature.structured_input_signature[1])


def to_examples(texts: Mapping[str, tf.Tensor]) -> list[bytes]:
    """Serialized tf.Examples of strings [B]."""
    columns = {name: values.numpy().tolist() for name, values in texts.items()}
    return [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                    for name, value in zip(columns, row, strict=True)
                }
            )
        ).SerializeToString(deterministic=True)
        for row in zip(*columns.values(), strict=True)
    ]
