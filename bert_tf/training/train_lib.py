"""One pretraining run, from data sets' manifests to held-out figures."""

import contextlib
import functools
import json
import os
import tempfile
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf
from absl import logging

from bert_tf.config import PretrainConfig
from bert_tf.data.input_pipeline import eval_dataset, train_dataset
from bert_tf.data.manifest import damaged_shards
from bert_tf.errors import UserError
from bert_tf.files import write_atomically
from bert_tf.modeling.checkpoints.run_dir import (
    METRICS_FILE,
    REPORT_FILE,
    RESULTS_FILE,
    RESULTS_TABLE_FILE,
    WEIGHTS_FILE,
)
from bert_tf.modeling.models import BertPretrainer
from bert_tf.tasks import pretraining
from bert_tf.training import callbacks
from bert_tf.training.metrics_log import held_out_steps
from bert_tf.training.optimizer import make_optimizer
from bert_tf.training.phases import ENDLESS, Phase, load_phases, segments
from bert_tf.training.preemption import Preemption
from bert_tf.training.projector import write_projector
from bert_tf.training.report import write_report
from bert_tf.training.run_folder import prepare_workdir
from bert_tf.training.schedules import make_schedule
from bert_tf.training.speedometer import Speedometer, measure_peak_flops
from bert_tf.training.state import TrainingState
from bert_tf.training.strategy import is_chief, make_strategy
from bert_tf.training.trainer import Trainer
from bert_tf.training.write_predictions import WritePredictions

# What TensorFlow raises on workers that are left when one has gone.
_PEER_ERRORS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


def train_and_evaluate(config: PretrainConfig, workdir: str) -> dict[str, float]:
    """Trains to the end of `config` and evaluates on the held-out examples.

    The folder gets what modeling/checkpoints/run_dir.py lists, the results at the end.
    A call on the folder of an interrupted run goes on from its newest whole checkpoint
    with the examples and the dropout it would have had. With several workers all of them
    call it with the same arguments, and the folder is one that they share.

    Args:
        config: of the run.
        workdir: folder, made if need be.

    Returns:
        `pretraining.results`; empty, and not written, if nothing is held out.

    Raises:
        UserError: the configuration does not hold, does not fit the data or is not
            the one this folder was started with; a loss is not finite; a file is
            damaged or cannot be written; a worker is gone.
        Stopped: the process was asked to end; the step is saved.
    """
    config.validate()
    phases = load_phases(config)
    strategy = make_strategy(config.strategy)
    is_writer = is_chief(strategy)  # of what all workers have alike
    if is_writer:
        prepare_workdir(config, phases, workdir)

    # Build.
    keras.utils.set_random_seed(config.seed)  # of the initial weights
    with strategy.scope():
        model = BertPretrainer(config.model)
        schedule = make_schedule(config.optimizer, num_train_steps=phases[-1].stop_step)
        optimizer = make_optimizer(
            config.optimizer,
            schedule,
            dynamic_loss_scale=config.model.dtype_policy == "mixed_float16",
        )
        trainer = Trainer(
            model,
            pretraining,
            seed=config.seed,
            num_microbatches=config.num_microbatches,
        )
        trainer.compile(optimizer)
        state = TrainingState(workdir, trainer, is_writer=is_writer)
    state.restore()
    _check_all_restored(strategy, state.step)
    logging.info(
        "%d parameters, %d replicas, %d train and %d held-out examples, %s",
        model.count_params(),
        strategy.num_replicas_in_sync,
        sum(phase.manifest.num_examples("train") for phase in phases),
        sum(phase.num_held_out for phase in phases),
        f"resuming at step {state.step}" if state.step else "starting at step 0",
    )
    num_replicas_before = state.progress.get("num_replicas")
    if num_replicas_before not in (None, strategy.num_replicas_in_sync):
        logging.warning(
            "The run had %d replicas before: from here on it differs from an "
            "uninterrupted one by dropout's masks and rounding.",
            num_replicas_before,
        )
    state.progress["num_replicas"] = strategy.num_replicas_in_sync

    # Train.
    preemption = Preemption()
    steps_per_checkpoint = config.steps_per_checkpoint
    to_call = [
        callbacks.ContinueEpoch(state, steps_per_log=config.steps_per_log),
        callbacks.StopOnNonFinite(
            state,
            steps_per_checkpoint=steps_per_checkpoint,
            advice="lower optimizer.learning_rate or raise optimizer.warmup_steps",
        ),
    ]
    if is_writer:
        new_speedometer = functools.partial(
            Speedometer,
            trainer,
            config.model,
            peak_flops=strategy.num_replicas_in_sync
            * measure_peak_flops(model.compute_dtype),
        )
        predictions = WritePredictions(state, model, phases, workdir)
        to_call += [
            predictions,
            callbacks.WriteMetrics(
                state,
                new_speedometer(),
                workdir,
                steps_per_log=config.steps_per_log,
            ),
            callbacks.ShowProgress(
                state,
                new_speedometer(),
                num_train_steps=None
                if config.num_train_minutes
                else config.num_train_steps,
            ),
        ]
    if config.num_train_minutes:
        to_call.append(
            callbacks.EndOnTime(
                state,
                schedule,
                minutes=config.num_train_minutes,
                steps_per_checkpoint=steps_per_checkpoint,
            )
        )
    save_checkpoint = callbacks.SaveCheckpoint(
        state,
        preemption,
        steps_per_checkpoint=steps_per_checkpoint,
        is_writer=is_writer,
    )
    to_call.append(save_checkpoint)
    with (
        preemption.noticed(),
        _errors_told(phases, state, is_multi_worker=config.strategy == "multi_worker"),
    ):
        for phase in phases:
            _evaluate_if_missed(phase, config, workdir, trainer, state, to_call)
            _train(phase, config, trainer, state, to_call)
        if is_writer:
            predictions.write()
            _write_weights(model, workdir)

        # Evaluate.
        results = _evaluate(phases[-1], trainer, [save_checkpoint])
    if is_writer:
        _write_results(results, model, workdir)
    return results


def _evaluate(
    phase: Phase, trainer: Trainer, to_call: list[keras.callbacks.Callback]
) -> dict[str, float]:
    """On all that is held out, like the baselines."""
    if not phase.num_held_out:
        logging.warning("No document is held out: nothing to evaluate on.")
        return {}
    means = trainer.evaluate(
        _held_out(phase), return_dict=True, verbose=0, callbacks=to_call
    )
    return pretraining.results(
        means, phase.held_out.baselines, num_examples=phase.num_held_out
    )


def _write_results(
    results: dict[str, float], model: BertPretrainer, workdir: str
) -> None:
    """Writes what only a complete run has."""
    if results:
        for name, content in (
            (RESULTS_TABLE_FILE, pretraining.format_results(results)),
            (RESULTS_FILE, json.dumps(results, indent=2)),
        ):
            write_atomically(os.path.join(workdir, name), f"{content}\n".encode())
    write_projector(workdir, model.bert.embeddings.word_embeddings.numpy())
    write_report([workdir], os.path.join(workdir, REPORT_FILE))


def _evaluate_if_missed(phase, config, workdir, trainer, state, to_call) -> None:
    """Evaluates where the run was interrupted between a checkpoint and that."""
    step = state.step
    if (
        phase.first_step < step <= phase.stop_step
        and step % config.steps_per_eval == 0
        and phase.num_held_out
        and step not in held_out_steps(os.path.join(workdir, METRICS_FILE))
    ):
        held_out = _held_out(phase).take(config.max_eval_steps)
        trainer.evaluate(held_out, verbose=0, callbacks=to_call)


def _train(
    phase: Phase,
    config: PretrainConfig,
    trainer: Trainer,
    state: TrainingState,
    to_call: list[keras.callbacks.Callback],
) -> None:
    """What is left of a phase."""
    steps = config.steps_per_log
    left = segments(
        phase.first_step, phase.stop_step, step=state.step, steps_per_epoch=steps
    )
    held_out = None
    if phase.num_held_out:
        held_out = _held_out(phase).take(config.max_eval_steps)
    for first_epoch, stop_epoch, steps_per_epoch in left:
        if state.step >= state.progress.get("num_steps", ENDLESS):
            break  # the run of so many minutes is at its end, before now or just now
        trainer.fit(
            train_dataset(
                phase.manifest,
                phase.input,
                seed=config.seed,
                first_step=state.step - phase.first_step,
            ),
            initial_epoch=first_epoch,
            epochs=stop_epoch,
            steps_per_epoch=steps_per_epoch,
            shuffle=False,  # the data set is shuffled already
            validation_data=held_out,
            validation_freq=config.steps_per_eval // steps,
            verbose=0,
            callbacks=to_call,
        )


def _write_weights(model: BertPretrainer, workdir: str) -> None:
    """A file to share: a third of a checkpoint, which has the optimizer's means too."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, WEIGHTS_FILE)
        model.save_weights(path)
        with open(path, "rb") as file:
            write_atomically(os.path.join(workdir, WEIGHTS_FILE), file.read())


def _held_out(phase: Phase) -> tf.data.Dataset:
    batches = eval_dataset(phase.held_out, batch_size=phase.input.eval_batch_size)
    if phase.manifest.config.next_sentence:
        return batches
    # Nothing has been learnt to tell them with.
    return batches.map(
        lambda batch: {
            name: values
            for name, values in batch.items()
            if name != "next_sentence_labels"
        }
    )


@contextlib.contextmanager
def _errors_told(
    phases: Sequence[Phase], state: TrainingState, *, is_multi_worker: bool
) -> Iterator[None]:
    """Tells what TensorFlow raises, and the user can mend, in a line."""
    try:
        yield
    except tf.errors.DataLossError as error:
        damaged = {
            path
            for phase in phases
            for manifest in (phase.manifest, phase.held_out)
            for path in damaged_shards(manifest)
        }
        found = ", ".join(sorted(damaged)) or error.message.splitlines()[0]
        raise UserError(
            "Expected shards as create_pretraining_data wrote them, received other "
            f"content in {found} (noticed at step {state.step}); copy them again and run "
            "the same command: it goes on from the last checkpoint."
        ) from error
    except _PEER_ERRORS as error:
        if not is_multi_worker:
            raise
        raise UserError(
            "Expected all workers until the end, received: "
            f"{error.message.splitlines()[0]} (at step {state.step}); start the same "
            "command on all of them: it goes on from the last checkpoint."
        ) from error


def _check_all_restored(strategy: tf.distribute.Strategy, step: int) -> None:
    """Raises UserError where workers have not found the same checkpoint."""

    def gather():
        replica = tf.distribute.get_replica_context()
        return replica.all_gather(tf.constant([step], tf.int64), axis=0)

    # As a function, or strategies warn of being slow.
    steps = tf.function(lambda: strategy.run(gather), autograph=False)()
    found = sorted(set(strategy.experimental_local_results(steps)[0].numpy().tolist()))
    if len(found) > 1:
        raise UserError(
            f"Expected the same checkpoint for all workers, received those of steps "
            f"{found}; give --workdir a folder that all workers share."
        )
