"""A run's folder: whoever has it can resume, evaluate or export without other flags.

config.json         the whole PretrainConfig
data_manifest.json  of the examples trained on
vocab.txt           their vocabulary
checkpoints/        weights and optimizer by step; see sealed.py
metrics.jsonl       what was measured, by step
model.weights.h5    the weights alone, once all steps are done, for Keras' load_weights
predictions.jsonl   what the model filled into the same held-out masks, by step
events/             TensorBoard: curves, predictions and, in the end, the projector
results.json        held-out figures of a complete run; results.md for people
training_report.html  all of it for people, in the end; bert_tf.report makes one before
"""

import dataclasses
import os
import re
from typing import TYPE_CHECKING, Any

from bert_tf.config import FinetuneConfig, PretrainConfig, from_json
from bert_tf.data.vocab import Vocabulary, load_vocabulary
from bert_tf.errors import UserError
from bert_tf.files import read_json, read_text

if TYPE_CHECKING:  # they take seconds that bert_tf.report must not pay
    import keras
    import tensorflow as tf

    from bert_tf.modeling.checkpoints.pretrained import Pretrained
    from bert_tf.modeling.models import BertPretrainer

CONFIG_FILE = "config.json"
DATA_MANIFEST_FILE = "data_manifest.json"
VOCAB_FILE = "vocab.txt"
CHECKPOINT_DIR = "checkpoints"
BEST_DIR = "best"  # of a fine-tuning
WEIGHTS_FILE = "model.weights.h5"
METRICS_FILE = "metrics.jsonl"
PREDICTIONS_FILE = "predictions.jsonl"
EVENTS_DIR = "events"
RESULTS_FILE = "results.json"
RESULTS_TABLE_FILE = "results.md"
REPORT_FILE = "training_report.html"

# How TensorFlow writes what `named_variables` tracks, with .S for the path's slashes.
_SAVED_WEIGHT = re.compile(r"weights/by_path/(.+)/\.ATTRIBUTES/VARIABLE_VALUE")


def seed_folder(number: int) -> str:
    """Of a fine-tuning with several seeds, the folder of one in that of all."""
    return f"seed-{number}"


def read_config(workdir: str) -> PretrainConfig:
    """The configuration a pretraining run was begun with.

    Raises:
        UserError: the folder holds none.
    """
    return from_json(PretrainConfig, _config_text(workdir))


def read_finetune_config(workdir: str) -> FinetuneConfig:
    """The configuration a fine-tuning run was begun with.

    Raises:
        UserError: the folder holds none.
    """
    return from_json(FinetuneConfig, _config_text(workdir))


def is_finetuned(workdir: str) -> bool:
    """Whether a run's folder is one of bert_tf.finetune; UserError if it is no run's."""
    return '"task":' in _config_text(workdir)


def _config_text(workdir: str) -> str:
    text = read_text(os.path.join(workdir, CONFIG_FILE))
    if text is None:
        raise UserError(
            f"Expected the folder of a run, received {workdir!r} without {CONFIG_FILE}; "
            "give the --workdir of bert_tf.pretrain or bert_tf.finetune, or of several "
            "seeds the folder of one in it."
        )
    return text


def read_data_manifest(workdir: str) -> dict:
    """The content of the manifest of the data a run was begun with.

    Raises:
        UserError: there is none, or no JSON in it.
    """
    path = os.path.join(workdir, DATA_MANIFEST_FILE)
    manifest = read_json(path)
    if manifest is None:
        raise UserError(
            f"Expected the manifest of the data in {path}, received none; restore it or "
            "begin another --workdir."
        )
    return manifest


def read(path: str, *, do_lower_case: bool | None = None) -> "Pretrained":
    """Reads the newest weights of a run, and nothing of its optimizer.

    Args:
        path: the run's folder.
        do_lower_case: None for what the run was trained with.

    Raises:
        UserError: the folder is no run's, has no checkpoint yet, or its vocabulary or its
            configuration is another's.
    """
    import tensorflow as tf

    from bert_tf.modeling.checkpoints import sealed
    from bert_tf.modeling.checkpoints.coverage import Coverage
    from bert_tf.modeling.checkpoints.pretrained import Pretrained
    from bert_tf.modeling.checkpoints.shapes import check_num_layers, encoder_shapes

    finetuned: dict[str, Any] = {}  # what a pretraining's folder does not have
    if is_finetuned(path):
        run = read_finetune_config(path)
        folder = os.path.join(path, BEST_DIR)
        finetuned = {"labels": run.task.labels, "features": run.features}
    else:
        run = read_config(path)
        folder = os.path.join(path, CHECKPOINT_DIR)
    config = run.model
    if do_lower_case is not None:
        config = dataclasses.replace(config, do_lower_case=do_lower_case)
    config.validate()
    checkpoint = sealed.newest(folder)
    if checkpoint is None:
        raise UserError(
            f"Expected a checkpoint in {folder}, found none; run the program that began "
            "it with this --workdir first."
        )
    vocabulary = load_vocabulary(os.path.join(path, VOCAB_FILE))
    if not finetuned:
        _check_trained_with(vocabulary, path)
    reader = tf.train.load_checkpoint(os.path.join(checkpoint, sealed.VARIABLES))
    matches = map(_SAVED_WEIGHT.fullmatch, reader.get_variable_to_shape_map())
    weights = {
        match[1].replace(".S", "/").partition("/")[2]: reader.get_tensor(match[0])
        for match in matches
        if match
    }
    check_num_layers(weights, lambda path: path, config)
    missing = {path: path for path in encoder_shapes(config) if path not in weights}
    coverage = Coverage(tuple(weights), {}, missing, ())
    return Pretrained(
        config, weights, vocabulary, coverage, source=checkpoint, **finetuned
    )


def _check_trained_with(vocabulary: Vocabulary, workdir: str) -> None:
    trained_digest = read_data_manifest(workdir)["vocab_digest"]
    if vocabulary.digest != trained_digest:
        raise UserError(
            f"Expected the vocabulary that {workdir} was trained with (digest "
            f"{trained_digest[:12]}), received {vocabulary.digest[:12]} in {VOCAB_FILE}; "
            "restore the file."
        )


def load_run(workdir: str) -> "tuple[BertPretrainer, Vocabulary, str]":
    """The model of a pretraining run with its newest weights.

    Args:
        workdir: the run's folder.

    Returns:
        The model, its vocabulary and the path of the checkpoint.

    Raises:
        UserError: see `read`.
    """
    from bert_tf.modeling.checkpoints.pretrained import assign
    from bert_tf.modeling.models import BertPretrainer

    pretrained = read(workdir)
    model = BertPretrainer(pretrained.config)
    assign(model, pretrained)
    return model, pretrained.vocabulary, pretrained.source


def named_variables(
    owner: "keras.Model | keras.optimizers.Optimizer",
) -> "tf.Module":
    """The variables of a model or an optimizer as a checkpoint is to name them.

    Left to itself TensorFlow follows an object's attributes and passes over what it
    does not understand, such as layers in a list that is filled later.

    Args:
        owner: built.

    Returns:
        An object that tracks every variable under its path.
    """
    import tensorflow as tf

    module = tf.Module()
    module.by_path = {variable.path: variable.value for variable in owner.variables}
    if len(module.by_path) != len(owner.variables):
        raise ValueError(f"Expected variables of distinct paths in {owner.name}.")
    return module
