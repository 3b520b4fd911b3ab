"""One pretraining run, from a data set's manifest to held-out figures."""

import dataclasses
import json
import os

import keras
import tensorflow as tf
from absl import logging

from bert_tf.config import BertConfig, PretrainConfig, to_json
from bert_tf.data.input_pipeline import eval_dataset, train_dataset
from bert_tf.data.manifest import Manifest, load_manifest
from bert_tf.data.vocab import load_vocabulary, save_vocabulary
from bert_tf.errors import UserError
from bert_tf.files import make_folder, write_atomically
from bert_tf.modeling.checkpoints.run_dir import (
    CONFIG_FILE,
    DATA_MANIFEST_FILE,
    RESULTS_FILE,
    RESULTS_TABLE_FILE,
    VOCAB_FILE,
    read_config,
    read_data_manifest,
)
from bert_tf.modeling.models import BertPretrainer
from bert_tf.tasks import pretraining
from bert_tf.training import callbacks
from bert_tf.training.optimizer import make_optimizer
from bert_tf.training.state import TrainingState
from bert_tf.training.strategy import make_strategy
from bert_tf.training.trainer import Trainer


def train_and_evaluate(config: PretrainConfig, workdir: str) -> dict[str, float]:
    """Trains to `config.num_train_steps` and evaluates on the held-out examples.

    The folder gets what modeling/checkpoints/run_dir.py lists, the results at the end.
    A call on the folder of an interrupted run goes on from its newest checkpoint with
    the examples and the dropout it would have had.

    Args:
        config: of the run.
        workdir: folder, made if need be.

    Returns:
        `pretraining.results`; empty, and not written, if nothing is held out.

    Raises:
        UserError: the configuration does not hold, does not fit the data or is not
            the one this folder was started with; a loss is not finite.
    """
    config.validate()
    manifest = load_manifest(config.input.data_dir)
    check_data_fits_model(manifest, config.model)
    _prepare_workdir(config, manifest, workdir)

    # Build.
    keras.utils.set_random_seed(config.seed)  # of the initial weights
    strategy = make_strategy(config.strategy)
    with strategy.scope():
        model = BertPretrainer(config.model)
        optimizer = make_optimizer(
            config.optimizer, num_train_steps=config.num_train_steps
        )
        trainer = Trainer(model, pretraining.weighted_sums, seed=config.seed)
        trainer.compile(
            optimizer,
            pretraining.metric_names(next_sentence=manifest.config.next_sentence),
        )
        state = TrainingState(workdir, model, optimizer)
    first_step = state.restore()
    logging.info(
        "%d parameters, %d replicas, %d train and %d held-out examples, %s",
        model.count_params(),
        strategy.num_replicas_in_sync,
        manifest.num_examples("train"),
        manifest.num_examples("held_out"),
        f"resuming at step {first_step}" if first_step else "starting at step 0",
    )

    # Train.
    held_out = None
    if manifest.num_examples("held_out"):
        held_out = eval_dataset(manifest, batch_size=config.input.eval_batch_size)
    trainer.fit(
        train_dataset(manifest, config.input, seed=config.seed, first_step=first_step),
        initial_epoch=first_step // config.steps_per_checkpoint,
        epochs=config.num_train_steps // config.steps_per_checkpoint,
        steps_per_epoch=config.steps_per_checkpoint,
        shuffle=False,  # the data set is shuffled already
        validation_data=held_out and held_out.take(config.max_eval_steps),
        validation_freq=config.steps_per_eval // config.steps_per_checkpoint,
        verbose=0,
        callbacks=[
            callbacks.StopOnNonFiniteLoss(state),
            callbacks.LogProgress(
                state,
                num_train_steps=config.num_train_steps,
                batch_size=config.input.train_batch_size,
            ),
            callbacks.WriteSummaries(state, workdir),
            callbacks.SaveCheckpoint(state),
        ],
    )

    # Evaluate.
    if held_out is None:
        logging.warning("No document is held out: nothing to evaluate on.")
        return {}
    # All of them, like the baselines.
    means = trainer.evaluate(held_out, return_dict=True, verbose=0)
    results = pretraining.results(
        means, manifest.baselines, num_examples=manifest.num_examples("held_out")
    )
    for name, content in (
        (RESULTS_TABLE_FILE, pretraining.format_results(results)),
        (RESULTS_FILE, json.dumps(results, indent=2)),
    ):
        write_atomically(os.path.join(workdir, name), f"{content}\n".encode())
    return results


def check_data_fits_model(manifest: Manifest, model: BertConfig) -> None:
    """Raises UserError, naming both values, where data and model cannot go together."""
    for name, of_data, of_model in (
        ("vocab_size", manifest.vocab_size, model.vocab_size),
        ("do_lower_case", manifest.config.do_lower_case, model.do_lower_case),
    ):
        if of_data != of_model:
            raise UserError(
                f"Expected data and model with the same {name}, received {of_data} in "
                f"the data's manifest and {of_model} in the model's configuration; set "
                f"--config.model.{name}={str(of_data).lower()} or make the data anew."
            )
    if not manifest.num_examples("train"):
        raise UserError(
            f"Expected examples to train on, received none in {manifest.data_dir}; make "
            "the data of more text."
        )
    length = manifest.config.max_seq_length
    if length > model.max_position_embeddings:
        raise UserError(
            "Expected sequences no longer than the model's max_position_embeddings="
            f"{model.max_position_embeddings}, received data of max_seq_length={length}; "
            f"set --config.model.max_position_embeddings={length} or make shorter data."
        )


def _prepare_workdir(config: PretrainConfig, manifest: Manifest, workdir: str) -> None:
    """Writes what identifies the run, or checks that it is the one begun here."""
    vocabulary = load_vocabulary(manifest.vocab_path)
    if vocabulary.digest != manifest.vocab_digest:
        raise UserError(
            f"Expected the vocabulary of digest {manifest.vocab_digest[:12]} in "
            f"{manifest.data_dir}, received {vocabulary.digest[:12]}; restore vocab.txt "
            "or make the data anew."
        )
    config_path = os.path.join(workdir, CONFIG_FILE)
    manifest_path = os.path.join(workdir, DATA_MANIFEST_FILE)
    if not tf.io.gfile.exists(config_path):
        make_folder(workdir)
        save_vocabulary(vocabulary, os.path.join(workdir, VOCAB_FILE))
        write_atomically(manifest_path, manifest.to_json().encode())
        write_atomically(config_path, to_json(config).encode())  # marks the run as begun
        return
    if read_data_manifest(workdir)["splits"] != json.loads(manifest.to_json())["splits"]:
        raise UserError(
            f"Expected the data set {workdir} was begun with, received other shards in "
            f"{manifest.data_dir}; use another --workdir."
        )
    begun = dataclasses.asdict(read_config(workdir))
    for name, was, now in _differences(begun, dataclasses.asdict(config)):
        raise UserError(
            f"Expected the settings {workdir} was begun with, received "
            f"{name}={now!r} instead of {was!r}; use another --workdir or set it back."
        )


def _differences(begun: dict, now: dict, prefix: str = "config"):
    for name, value in now.items():
        path = f"{prefix}.{name}"
        if isinstance(value, dict):
            yield from _differences(begun[name], value, path)
        elif begun[name] != value and name != "data_dir":  # the shards are compared
            yield path, begun[name], value
