"""Google's checkpoints: bert_config.json, vocab.txt and TensorFlow's files beside them.

Three ways of naming are read: google-research/bert's (TensorFlow 1), which is the one
that is written, and those of Model Garden's two encoders (TensorFlow 2).
"""

import json
import os
import re
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from bert_tf.config import BertConfig
from bert_tf.data.vocab import save_vocabulary
from bert_tf.errors import UserError
from bert_tf.files import make_folder, read_json, write_atomically
from bert_tf.modeling.checkpoints.coverage import Coverage
from bert_tf.modeling.checkpoints.pretrained import (
    ORIGINAL,
    Pretrained,
    find_vocabulary,
    is_lower_case,
    require_original,
)
from bert_tf.modeling.checkpoints.weight_names import WeightNames, to_ours, to_theirs

CONFIG_FILE = "bert_config.json"
VOCAB_FILE = "vocab.txt"
CHECKPOINT = "bert_model.ckpt"

_ACTIVATION = "gelu"  # what Google's code calls the approximation by tanh
_FIELDS = (
    "attention_probs_dropout_prob",
    "hidden_dropout_prob",
    "hidden_size",
    "initializer_range",
    "intermediate_size",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "type_vocab_size",
    "vocab_size",
)
_OPTIMIZER = "state of the optimizer"
_BOOKKEEPING = "bookkeeping of training"
_OWN_LAST_PARTS = {part: f"/{part}" for part in ("kernel", "bias", "gamma", "beta")}

TENSORFLOW_1 = WeightNames(
    variables={
        **{
            f"bert/embeddings/{name}_embeddings": f"bert/embeddings/{name}_embeddings"
            for name in ("word", "position", "token_type")
        },
        "masked_lm/output_bias": "cls/predictions/output_bias",
        **{
            f"{head}/{last_part}": f"{scope}output_{output}"
            for head, scope in (
                ("next_sentence/classifier", "cls/seq_relationship/"),
                ("sequence_classifier", ""),
                ("answer_span", "cls/squad/"),
                # The original has no such heads; these names are like its others.
                ("token_classifier", "cls/token_classification/"),
                ("choice_scorer", "cls/multiple_choice/"),
            )
            for last_part, output in (("kernel", "weights"), ("bias", "bias"))
        },
    },
    modules={
        "bert/embeddings/layer_norm": "bert/embeddings/LayerNorm",
        **{
            f"bert/layer_{{}}/attention/{name}": (
                f"bert/encoder/layer_{{}}/attention/self/{name}"
            )
            for name in ("query", "key", "value")
        },
        "bert/layer_{}/attention_output": (
            "bert/encoder/layer_{}/attention/output/dense"
        ),
        "bert/layer_{}/attention_layer_norm": (
            "bert/encoder/layer_{}/attention/output/LayerNorm"
        ),
        "bert/layer_{}/intermediate": "bert/encoder/layer_{}/intermediate/dense",
        "bert/layer_{}/output": "bert/encoder/layer_{}/output/dense",
        "bert/layer_{}/output_layer_norm": "bert/encoder/layer_{}/output/LayerNorm",
        "bert/pooler": "bert/pooler/dense",
        "masked_lm/transform": "cls/predictions/transform/dense",
        "masked_lm/transform_layer_norm": "cls/predictions/transform/LayerNorm",
    },
    last_parts=_OWN_LAST_PARTS,
    transposed=(
        r"(next_sentence/classifier|sequence_classifier|answer_span"
        r"|token_classifier|choice_scorer)/kernel"
    ),
    skipped={
        r".*/(adam|lamb)_[mv]|.*/Adam(_\d+)?": _OPTIMIZER,
        "global_step|beta[12]_power": _BOOKKEEPING,
    },
)

_TENSORFLOW_2_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_TENSORFLOW_2_SKIPPED = {
    r".*/\.OPTIMIZER_SLOT/.*|optimizer/.*": _OPTIMIZER,
    r"_CHECKPOINTABLE_OBJECT_GRAPH|(save_counter|global_step)/.*": _BOOKKEEPING,
}


def _tensorflow_2_layer(layer: str) -> dict[str, str]:
    return {
        **{
            f"bert/layer_{{}}/attention/{name}": f"{layer}/_attention_layer/_{name}_dense"
            for name in ("query", "key", "value")
        },
        "bert/layer_{}/attention_output": f"{layer}/_attention_layer/_output_dense",
        "bert/layer_{}/attention_layer_norm": f"{layer}/_attention_layer_norm",
        "bert/layer_{}/intermediate": f"{layer}/_intermediate_dense",
        "bert/layer_{}/output": f"{layer}/_output_dense",
        "bert/layer_{}/output_layer_norm": f"{layer}/_output_layer_norm",
    }


# tf.train.Checkpoint(model=BertEncoder(...)), the published ones.
TENSORFLOW_2_NUMBERED = WeightNames(
    variables={
        f"bert/embeddings/{name}_embeddings": (
            f"model/layer_with_weights-{number}/embeddings"
        )
        for number, name in enumerate(("word", "position", "token_type"))
    },
    modules={
        "bert/embeddings/layer_norm": "model/layer_with_weights-3",
        **_tensorflow_2_layer("model/layer_with_weights-{}"),
        "bert/pooler": "model/layer_with_weights-{}",
    },
    last_parts=_OWN_LAST_PARTS,
    suffix=_TENSORFLOW_2_SUFFIX,
    first_layer=4,
    skipped=_TENSORFLOW_2_SKIPPED,
)


def _tensorflow_2_named(encoder: str, words: str, heads: str = "") -> WeightNames:
    return WeightNames(
        variables={
            "bert/embeddings/word_embeddings": words,
            "bert/embeddings/position_embeddings": (
                f"{encoder}/_position_embedding_layer/embeddings"
            ),
            "bert/embeddings/token_type_embeddings": (
                f"{encoder}/_type_embedding_layer/embeddings"
            ),
            "masked_lm/output_bias": f"{heads}masked_lm/output_bias.Sbias",
        },
        modules={
            "bert/embeddings/layer_norm": f"{encoder}/_embedding_norm_layer",
            **_tensorflow_2_layer(f"{encoder}/_transformer_layers/{{}}"),
            "bert/pooler": f"{encoder}/_pooler_layer",
            "masked_lm/transform": f"{heads}masked_lm/dense",
            "masked_lm/transform_layer_norm": f"{heads}masked_lm/layer_norm",
        },
        last_parts=_OWN_LAST_PARTS,
        suffix=_TENSORFLOW_2_SUFFIX,
        skipped=_TENSORFLOW_2_SKIPPED,
    )


TENSORFLOW_2 = (
    TENSORFLOW_2_NUMBERED,
    # tf.train.Checkpoint(encoder=BertEncoderV2(...)).
    _tensorflow_2_named("encoder", "encoder/_embedding_layer/embeddings"),
    # With the heads of BertPretrainerV2, under whose name the word embeddings are then.
    _tensorflow_2_named("encoder", "masked_lm/embedding_table"),
    # tf.train.Checkpoint(model=BertPretrainerV2(...)).
    _tensorflow_2_named(
        "model/encoder_network", "model/masked_lm/embedding_table", "model/"
    ),
)


def read(path: str, *, do_lower_case: bool | None = None) -> Pretrained:
    """Reads a checkpoint.

    Args:
        path: a folder with bert_config.json and one checkpoint, or the prefix of one of
            several checkpoints, such as model.ckpt-1000, with bert_config.json beside.
        do_lower_case: how its vocabulary was made; None for what the vocabulary shows.

    Raises:
        UserError: a file is missing or says what this model cannot do.
    """
    folder, prefix = _find(path)
    settings = _read_settings(folder)
    vocabulary = find_vocabulary(folder)
    config = BertConfig(
        **{name: settings[name] for name in _FIELDS if name in settings},
        do_lower_case=is_lower_case(vocabulary, do_lower_case),
        **ORIGINAL,
    )
    config.validate()
    theirs = _read_weights(prefix)
    weights, coverage = to_ours(theirs, _names_in(theirs), config)
    return Pretrained(config, weights, vocabulary, coverage)


def write(pretrained: Pretrained, folder: str) -> Coverage:
    """Writes a checkpoint as google-research/bert does.

    Args:
        pretrained: what Google's code can compute.
        folder: made if need be.

    Returns:
        What became of each weight.

    Raises:
        UserError: the format cannot say what the model is, or the folder cannot be
            written.
    """
    config = pretrained.config
    require_original(config, "Google's BERT")
    _check_case(pretrained)
    if pretrained.labels:
        logging.warning(
            "Google's format has no names of classes; in order, they are %s.",
            ", ".join(pretrained.labels),
        )
    theirs, coverage = to_theirs(pretrained.weights, TENSORFLOW_1, config)
    make_folder(folder)
    names = sorted(theirs)
    prefix = os.path.join(folder, CHECKPOINT)
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[theirs[name] for name in names],
    )
    settings = {name: getattr(config, name) for name in _FIELDS}
    settings["hidden_act"] = _ACTIVATION
    if pretrained.vocabulary:
        save_vocabulary(pretrained.vocabulary, os.path.join(folder, VOCAB_FILE))
    write_atomically(
        os.path.join(folder, CONFIG_FILE),
        f"{json.dumps(settings, indent=2, sort_keys=True)}\n".encode(),
    )
    return coverage


def _check_case(pretrained: Pretrained) -> None:
    """Raises UserError for a model whose vocabulary does not show how it was made."""
    received = pretrained.config.do_lower_case
    expected = is_lower_case(pretrained.vocabulary, None)
    if received != expected:
        raise UserError(
            f"Expected do_lower_case={expected}, as the vocabulary shows and nothing "
            f"else in Google's format tells, received {received}; write another format, "
            f"or convert with --do_lower_case={expected} and give --do_lower_case="
            f"{received} to what reads it."
        )


def _find(path: str) -> tuple[str, str]:
    """The folder and the prefix of the checkpoint."""
    if not tf.io.gfile.isdir(path):
        return os.path.dirname(path), path
    pattern = re.compile(r"(.+)\.index")
    prefixes = [
        os.path.join(path, match[1])
        for match in map(pattern.fullmatch, sorted(tf.io.gfile.listdir(path)))
        if match
    ]
    if len(prefixes) != 1:
        found = ", ".join(map(os.path.basename, prefixes)) or "none"
        raise UserError(
            f"Expected one checkpoint (*.index) in {path}, received {found}; give the "
            "path of one without its ending."
        )
    return path, prefixes[0]


def _read_settings(folder: str) -> dict[str, Any]:
    settings = read_json(os.path.join(folder, CONFIG_FILE))
    if settings is None:
        raise UserError(
            f"Expected {CONFIG_FILE} in {folder!r}, found none; put the one of the model "
            "there."
        )
    activation = settings.get("hidden_act", _ACTIVATION)
    if activation != _ACTIVATION:
        raise UserError(
            f"Expected hidden_act {_ACTIVATION} in {folder}/{CONFIG_FILE}, received "
            f"{activation!r}, which this package cannot compute; use another."
        )
    return settings


def _read_weights(prefix: str) -> dict[str, np.ndarray]:
    try:
        reader = tf.train.load_checkpoint(prefix)
        return {
            name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
        }
    except (tf.errors.OpError, IndexError, ValueError, RuntimeError) as error:
        raise UserError(
            f"Expected a checkpoint of TensorFlow in {prefix!r}, received "
            f"{str(error).splitlines()[0]}; copy it again, .index and .data-* files."
        ) from error


def _names_in(theirs: dict[str, np.ndarray]) -> WeightNames:
    embeddings = [f"bert/embeddings/{name}_embeddings" for name in ("word", "position")]
    for names in TENSORFLOW_2:
        if all(names.name_of(path) in theirs for path in embeddings):
            return names
    return TENSORFLOW_1
