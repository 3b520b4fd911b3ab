"""What happens between the steps of `keras fit`."""

import datetime
import math
import os
import time

import keras
import tensorflow as tf
from absl import logging

from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints.run_dir import EVENTS_DIR
from bert_tf.training.state import TrainingState

SECONDS_BETWEEN_PROGRESS_LINES = 10


class StopOnNonFiniteLoss(keras.callbacks.Callback):
    """Stops before a checkpoint is made of weights that a NaN has spoiled.

    It has to stand before SaveCheckpoint.
    """

    def __init__(self, state: TrainingState):
        super().__init__()
        self._state = state

    def on_train_batch_end(self, batch, logs=None):
        """Checks the losses' running means, which a NaN never leaves."""
        for name, value in logs.items():
            if name.endswith("_loss") and not math.isfinite(value):
                self._stop(name, float(value))

    def on_epoch_end(self, epoch, logs=None):
        """Checks the weights: the last update comes after the last loss."""
        for variable in self.model.trainable_variables:
            if not tf.reduce_all(tf.math.is_finite(variable.value)):
                self._stop(variable.path, "a value that is not")

    def _stop(self, name, value):
        raise UserError(
            f"Expected a finite {name}, received {value} at step {self._state.step}; "
            "lower optimizer.learning_rate or raise optimizer.warmup_steps, and start "
            "in another --workdir. The checkpoints of this one are from before."
        )


class SaveCheckpoint(keras.callbacks.Callback):
    """Saves at the end of every epoch of `fit`, which is steps_per_checkpoint long."""

    def __init__(self, state: TrainingState):
        super().__init__()
        self._state = state

    def on_epoch_end(self, epoch, logs=None):
        """Saves."""
        self._state.save()


class LogProgress(keras.callbacks.Callback):
    """A line every few seconds: step, losses, speed and when it will end.

    Args:
        state: knows the step.
        num_train_steps: of the run.
        batch_size: examples a step, for the speed.
    """

    def __init__(self, state: TrainingState, *, num_train_steps: int, batch_size: int):
        super().__init__()
        self._state = state
        self._num_train_steps = num_train_steps
        self._batch_size = batch_size

    def on_train_begin(self, logs=None):
        """Starts the clock."""
        self._last_time, self._last_step = time.monotonic(), self._state.step

    def on_train_batch_end(self, batch, logs=None):
        """Writes a line if the last one is old enough."""
        now, step = time.monotonic(), self._state.step
        seconds = now - self._last_time
        if seconds < SECONDS_BETWEEN_PROGRESS_LINES and step < self._num_train_steps:
            return
        steps_per_second = (step - self._last_step) / max(seconds, 1e-6)
        remaining = (self._num_train_steps - step) / max(steps_per_second, 1e-6)
        logging.info(
            "step %d/%d  %s  %.0f examples/s  ETA %s",
            step,
            self._num_train_steps,
            _format(logs),
            steps_per_second * self._batch_size,
            datetime.timedelta(seconds=round(remaining)),
        )
        self._last_time, self._last_step = now, step

    def on_test_end(self, logs=None):
        """Writes what an evaluation found; its time is not the training's."""
        logging.info("held out at step %d  %s", self._state.step, _format(logs))
        self._last_time, self._last_step = time.monotonic(), self._state.step


class WriteSummaries(keras.callbacks.Callback):
    """TensorBoard scalars by step: train/ and held_out/ means, the learning rate."""

    def __init__(self, state: TrainingState, workdir: str):
        super().__init__()
        self._state = state
        self._writers = {
            split: tf.summary.create_file_writer(os.path.join(workdir, EVENTS_DIR, split))
            for split in ("train", "held_out")
        }

    def on_epoch_end(self, epoch, logs=None):
        """Writes the epoch's means; `fit` prefixes the held-out ones with val_."""
        step = self._state.step
        for name, value in logs.items():
            split = "held_out" if name.startswith("val_") else "train"
            with self._writers[split].as_default(step):
                tf.summary.scalar(name.removeprefix("val_"), value)
        with self._writers["train"].as_default(step):
            tf.summary.scalar("learning_rate", self.model.optimizer.learning_rate)
        for writer in self._writers.values():
            writer.flush()


def _format(logs: dict) -> str:
    return "  ".join(f"{name} {float(value):.3f}" for name, value in logs.items())
