"""A BERT as it lies on disk, whatever library wrote it."""

import dataclasses
import os
import re
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.data.vocab import Vocabulary, load_vocabulary
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints.coverage import Coverage

_VOCAB_FILES = ("vocab.txt", "assets/vocab.txt")
_IN_BRACKETS = re.compile(r"\[.+\]|<.+>")
_MAX_CAPITALS = 0.01  # share of the tokens, of a vocabulary without case
# What Google's and KerasHub's BERTs compute, and no file of theirs tells otherwise.
ORIGINAL = {"hidden_act": "gelu_new", "layer_norm_eps": 1e-12, "layer_norm": "post"}


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """Weights and all that has to be known to use them."""

    config: BertConfig
    weights: Mapping[str, np.ndarray]  # by our paths; see shapes.py
    vocabulary: Vocabulary | None
    coverage: Coverage  # of what was read
    labels: tuple[str, ...] = ()  # of a classifier among the weights
    source: str = ""  # of the weights: a path
    # What the heads see of the encoder.
    features: FeatureConfig = dataclasses.field(default_factory=FeatureConfig)


def assign(model: keras.Model, pretrained: Pretrained) -> tuple[str, ...]:
    """Gives a model the weights it has variables for.

    Args:
        model: built.
        pretrained: of the same configuration.

    Returns:
        The paths of the variables that there were no weights for: they are as they were.

    Raises:
        UserError: a shape is another.
    """
    left = []
    for variable in model.variables:
        path = variable.path.removeprefix(f"{model.name}/")
        values = pretrained.weights.get(path)
        if values is None:
            left.append(path)
        elif values.shape != tuple(variable.shape):
            raise UserError(
                f"Expected weights of the shape {tuple(variable.shape)} for {path}, "
                f"received {values.shape}; the checkpoint is another model's."
            )
        else:
            variable.assign(values)
    return tuple(left)


def require_original(config: BertConfig, library: str) -> None:
    """Raises UserError for a model that computes something else than the original."""
    for name, expected in ORIGINAL.items():
        received = getattr(config, name)
        if received != expected:
            remedy = " or convert with --hidden_act=gelu_new, which is nearly the same"
            raise UserError(
                f"Expected {name}={expected} for {library}, received {received!r}, which "
                "it cannot compute; write another format"
                f"{remedy if name == 'hidden_act' else ''}."
            )


def find_vocabulary(folder: str) -> Vocabulary | None:
    """The vocabulary beside a checkpoint, or None without one."""
    for name in _VOCAB_FILES:
        path = os.path.join(folder, name)
        if tf.io.gfile.exists(path):
            return load_vocabulary(path)
    return None


def is_lower_case(vocabulary: Vocabulary | None, given: bool | None) -> bool:
    """Whether text is to be lower-cased for a model.

    Args:
        vocabulary: of the model. One that was learnt from text as written has capitals
            in many tokens, the original's cased one in 29 %. A few have been put into
            others by hand: `<S>` into the Chinese one, names into [unused] places.
        given: what is known of it.
    """
    if given is not None:
        return given
    if vocabulary is None:
        return True
    words = [token for token in vocabulary.tokens if not _IN_BRACKETS.fullmatch(token)]
    num_with_capitals = sum(token != token.lower() for token in words)
    return num_with_capitals <= _MAX_CAPITALS * len(words)


def check_vocabulary(
    vocabulary: Vocabulary | None, config: BertConfig, path: str
) -> None:
    """Raises UserError for a vocabulary of another size than the model's."""
    if vocabulary is not None and len(vocabulary) != config.vocab_size:
        raise UserError(
            f"Expected a vocabulary of {config.vocab_size} tokens for the model in "
            f"{path}, received one of {len(vocabulary)}; give the model's own."
        )
