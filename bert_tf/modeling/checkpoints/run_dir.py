"""A run's folder: whoever has it can resume, evaluate or export without other flags.

config.json   the whole PretrainConfig
vocab.txt     the vocabulary of the data
checkpoints/  weights and optimizer by step
events/       TensorBoard
results.json  held-out figures, once the run is complete
"""

import os

import keras
import tensorflow as tf

from bert_tf.config import PretrainConfig, pretrain_config_from_json
from bert_tf.data.vocab import Vocabulary, load_vocabulary
from bert_tf.errors import UserError
from bert_tf.modeling.models import BertPretrainer

CONFIG_FILE = "config.json"
DATA_MANIFEST_FILE = "data_manifest.json"
VOCAB_FILE = "vocab.txt"
CHECKPOINT_DIR = "checkpoints"
EVENTS_DIR = "events"
RESULTS_FILE = "results.json"
RESULTS_TABLE_FILE = "results.md"


def read_config(workdir: str) -> PretrainConfig:
    """The configuration a run was begun with.

    Raises:
        UserError: the folder holds none.
    """
    path = os.path.join(workdir, CONFIG_FILE)
    if not tf.io.gfile.exists(path):
        raise UserError(
            f"Expected the folder of a run, received {workdir!r} without {CONFIG_FILE}; "
            "give the --workdir of bert_tf.pretrain."
        )
    with tf.io.gfile.GFile(path) as file:
        return pretrain_config_from_json(file.read())


def load_run(workdir: str) -> tuple[BertPretrainer, Vocabulary, str]:
    """The model of a run with its newest weights, and nothing of its optimizer.

    Args:
        workdir: the run's folder.

    Returns:
        The model, its vocabulary and the path of the checkpoint.

    Raises:
        UserError: the folder is no run's or has no checkpoint yet.
    """
    config = read_config(workdir)
    checkpoint = tf.train.latest_checkpoint(os.path.join(workdir, CHECKPOINT_DIR))
    if checkpoint is None:
        raise UserError(
            f"Expected a checkpoint in {os.path.join(workdir, CHECKPOINT_DIR)}, found "
            "none; run bert_tf.pretrain with this --workdir first."
        )
    model = BertPretrainer(config.model)
    status = tf.train.Checkpoint(weights=named_variables(model)).restore(checkpoint)
    status.assert_existing_objects_matched().expect_partial()
    return model, load_vocabulary(os.path.join(workdir, VOCAB_FILE)), checkpoint


def named_variables(owner: keras.Model | keras.optimizers.Optimizer) -> tf.Module:
    """The variables of a model or an optimizer as a checkpoint is to name them.

    Left to itself TensorFlow follows an object's attributes and passes over what it
    does not understand, such as layers in a list that is filled later.

    Args:
        owner: built.

    Returns:
        An object that tracks every variable under its path.
    """
    module = tf.Module()
    module.by_path = {variable.path: variable.value for variable in owner.variables}
    if len(module.by_path) != len(owner.variables):
        raise ValueError(f"Expected variables of distinct paths in {owner.name}.")
    return module
