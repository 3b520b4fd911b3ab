"""What happens between the steps of `keras fit`."""

import datetime
import math
import os
import signal
import sys
import time

import keras
import tensorflow as tf
from absl import logging

from bert_tf.errors import Stopped, UserError
from bert_tf.modeling.checkpoints.run_dir import EVENTS_DIR, METRICS_FILE
from bert_tf.training.metrics_log import MetricsLog
from bert_tf.training.preemption import Preemption
from bert_tf.training.schedules import WarmupStableDecay
from bert_tf.training.speedometer import Speedometer
from bert_tf.training.state import TrainingState

SECONDS_BETWEEN_PROGRESS_LINES = 10
_SECONDS_BETWEEN_BARS = 0.5
_BAR_WIDTH = 24
_SHOWN = ("masked_lm_loss", "masked_lm_accuracy", "loss", "accuracy")


class ContinueEpoch(keras.callbacks.Callback):
    """Gives an epoch that was interrupted the sums it had.

    Args:
        state: restored, but for these sums.
        steps_per_log: steps of an epoch.
    """

    def __init__(self, state: TrainingState, *, steps_per_log: int):
        super().__init__()
        sums = state.progress.get("sums", {})
        self._sums = sums if state.step % steps_per_log else {}

    def on_epoch_begin(self, epoch, logs=None):
        """Restores the sums, once."""
        self.model.means.sums = self._sums
        self._sums = {}


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops before a checkpoint is made of weights that a NaN has spoiled.

    It has to stand before SaveCheckpoint.

    Args:
        state: of the training.
        steps_per_checkpoint: how often one is made.
        advice: what lowers the rate, in the words of who is called.
    """

    def __init__(self, state: TrainingState, *, steps_per_checkpoint: int, advice: str):
        super().__init__()
        self._advice = advice
        self._state = state
        self._steps_per_checkpoint = steps_per_checkpoint

    def on_train_batch_end(self, batch, logs=None):
        """Checks the losses' running means, which a NaN never leaves, and weights."""
        for name, value in logs.items():
            if name.endswith("loss") and not math.isfinite(value):
                self._stop(name, value)
        if self._state.step % self._steps_per_checkpoint:
            return
        # The last update comes after the last loss.
        for variable in self.model.model.trainable_variables:
            if not tf.reduce_all(tf.math.is_finite(variable.value)):
                self._stop(variable.path, "a value that is not")

    def _stop(self, name, value):
        raise UserError(
            f"Expected a finite {name}, received {value} at step {self._state.step}; "
            f"{self._advice}, and start in another --workdir. Checkpoints in this one "
            "are from before."
        )


class WriteMetrics(keras.callbacks.Callback):
    """Lines in metrics.jsonl and TensorBoard's scalars, of training and held out.

    It has to stand before SaveCheckpoint, so that no line of a step that is saved can
    be missing.
    """

    def __init__(
        self,
        state: TrainingState,
        speedometer: Speedometer,
        workdir: str,
        *,
        steps_per_log: int,
    ):
        super().__init__()
        self._state = state
        self._speedometer = speedometer
        self._log = MetricsLog(os.path.join(workdir, METRICS_FILE), first_step=state.step)
        self._steps_per_log = steps_per_log
        self._writers = {
            split: tf.summary.create_file_writer(os.path.join(workdir, EVENTS_DIR, split))
            for split in ("train", "held_out")
        }

    def on_train_batch_end(self, batch, logs=None):
        """Writes the means of the steps since the last line."""
        step = self._state.step
        if step % self._steps_per_log:
            return
        model = self.model.model
        rate = self.model.optimizer.learning_rate
        norm = tf.linalg.global_norm([v.value for v in model.trainable_variables])
        self._write(
            "train",
            {
                **logs,
                "learning_rate": float(rate),
                "weight_norm": float(norm),
                **self._speedometer.lap(),
            },
        )

    def on_test_end(self, logs=None):
        """Writes what an evaluation found."""
        self._write("held_out", logs)

    def _write(self, split, figures):
        step = self._state.step
        self._log.write(split, step, figures)
        with self._writers[split].as_default(step):
            for name, value in figures.items():
                tf.summary.scalar(name, value)
        self._writers[split].flush()


class ShowProgress(keras.callbacks.Callback):
    """Step, losses, speed and when it will end: a bar on a terminal, else log lines.

    Args:
        state: knows the step.
        speedometer: its own, since it tells of the time since it was read; or None.
        num_train_steps: of the run; None if it ends by time.
    """

    def __init__(
        self,
        state: TrainingState,
        speedometer: Speedometer | None,
        *,
        num_train_steps: int | None,
    ):
        super().__init__()
        self._state = state
        self._speedometer = speedometer
        self._num_train_steps = num_train_steps
        self._is_terminal = sys.stderr.isatty()
        self._has_bar = False  # without an end of line yet

    def on_train_begin(self, logs=None):
        """Starts the clock."""
        self._last_time = self._begin_time = time.monotonic()
        self._last_step = self._begin_step = self._state.step

    def on_train_batch_end(self, batch, logs=None):
        """Shows where the run is, if the last time is long enough ago."""
        now, step = time.monotonic(), self._state.step
        seconds = now - self._last_time
        pause = (
            _SECONDS_BETWEEN_BARS if self._is_terminal else SECONDS_BETWEEN_PROGRESS_LINES
        )
        if seconds < pause and step != self._num_train_steps:
            return
        rate = (step - self._last_step) / max(seconds, 1e-6)
        self._last_time, self._last_step = now, step
        self._show(step, rate, logs)

    def on_test_end(self, logs=None):
        """Shows what an evaluation found; its time is not the training's."""
        self._end_bar()
        logging.info("held out at step %d  %s", self._state.step, _format(logs))
        self._last_time, self._last_step = time.monotonic(), self._state.step

    def on_train_end(self, logs=None):
        """Leaves the terminal at the beginning of a line."""
        self._end_bar()

    def _show(self, step, rate, logs):
        figures = {name: logs[name] for name in _SHOWN if name in logs}
        if self._speedometer:
            figures |= self._speedometer.lap()
        text = _format(figures)
        total = self._num_train_steps
        if total:
            remaining = datetime.timedelta(
                seconds=round((total - step) / max(rate, 1e-6))
            )
            text = f"step {step}/{total}  {text}  ETA {remaining}"
        else:
            text = f"step {step}  {text}"
        if not self._is_terminal:
            logging.info("%s", text)
            return
        done = round(_BAR_WIDTH * step / total) if total else 0
        bar = f"[{'#' * done}{'.' * (_BAR_WIDTH - done)}] " if total else ""
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        sys.stderr.write(f"\r{(bar + text)[: columns - 1]:{columns - 1}}")
        sys.stderr.flush()
        self._has_bar = True

    def _end_bar(self):
        if self._has_bar:
            sys.stderr.write("\n")
        self._has_bar = False


class SaveCheckpoint(keras.callbacks.Callback):
    """Saves every so many steps, and before the process ends if it is asked to.

    Args:
        state: to save.
        preemption: whether it is asked to end.
        steps_per_checkpoint: between two checkpoints.
        is_writer: whether this worker is the one that saves; all have the same state,
            so that any can where it alone is asked to end.
    """

    def __init__(
        self,
        state: TrainingState,
        preemption: Preemption,
        *,
        steps_per_checkpoint: int,
        is_writer: bool,
    ):
        super().__init__()
        self._state = state
        self._preemption = preemption
        self._steps_per_checkpoint = steps_per_checkpoint
        self._is_writer = is_writer

    def on_train_batch_end(self, batch, logs=None):
        """Saves if it is time.

        Raises:
            Stopped: after saving, if the process is asked to end.
        """
        number = self._preemption.signal  # once: it may come at any time
        is_due = self._state.step % self._steps_per_checkpoint == 0
        if number or (is_due and self._is_writer):
            self._state.save()
        self._stop_if_asked(number)

    def on_test_batch_end(self, batch, logs=None):
        """Stops if asked to; an evaluation comes right after a checkpoint."""
        self._stop_if_asked(self._preemption.signal)

    def _stop_if_asked(self, number: signal.Signals | None):
        if number:
            raise Stopped(
                f"Received {number.name} at step {self._state.step}, which is saved; run "
                "the same command again to go on.",
                signal_number=number,
            )


class EndOnTime(keras.callbacks.Callback):
    """Begins the decay of the learning rate when only its share of the time is left.

    The decay then takes as many steps as its share is of all steps, so that the run
    ends with the decay done, and about on time.

    Args:
        state: knows the step; the time that a run has had is saved with it.
        schedule: whose number of steps is decided here.
        minutes: that the run may take, interruptions apart.
        steps_per_checkpoint: the run ends with one.
    """

    def __init__(
        self,
        state: TrainingState,
        schedule: WarmupStableDecay,
        *,
        minutes: float,
        steps_per_checkpoint: int,
    ):
        super().__init__()
        self._state = state
        self._schedule = schedule
        self._seconds = 60 * minutes
        self._steps_per_checkpoint = steps_per_checkpoint
        self._seconds_before = state.progress.get("seconds", 0.0)
        self._begin = time.monotonic()
        if "num_steps" in state.progress:
            schedule.num_steps.assign(state.progress["num_steps"])

    def on_train_batch_end(self, batch, logs=None):
        """Decides how long the run is when it is time to; ends it when it is done."""
        progress, step = self._state.progress, self._state.step
        seconds = self._seconds_before + time.monotonic() - self._begin
        progress["seconds"] = seconds
        share = 1 - self._schedule.decay_share
        if "num_steps" not in progress and seconds >= share * self._seconds:
            unit = self._steps_per_checkpoint
            progress["num_steps"] = math.ceil(step / share / unit) * unit
            self._schedule.num_steps.assign(progress["num_steps"])
            logging.info(
                "The learning rate falls from now on, to step %d.", progress["num_steps"]
            )
        if step >= progress.get("num_steps", math.inf):
            self.model.stop_training = True


def _format(figures: dict[str, float]) -> str:
    return "  ".join(
        f"{name} {value:,.0f}" if value >= 1000 else f"{name} {value:.3f}"
        for name, value in figures.items()
    )
