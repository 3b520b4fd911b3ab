"""What a run saves, so that it can go on at the step where it was."""

import os
from typing import Any

import tensorflow as tf

from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints import sealed
from bert_tf.modeling.checkpoints.run_dir import CHECKPOINT_DIR, named_variables
from bert_tf.training.trainer import Trainer

KEPT_CHECKPOINTS = 3


class TrainingState:
    """The checkpoints of a run: weights, optimizer and the means of the epoch so far.

    Args:
        workdir: the run's folder.
        trainer: compiled.
        is_writer: whether this worker is the one that tidies the folder.
    """

    def __init__(self, workdir: str, trainer: Trainer, *, is_writer: bool):
        self._trainer = trainer
        self._is_writer = is_writer
        self._folder = os.path.join(workdir, CHECKPOINT_DIR)
        self._checkpoint = tf.train.Checkpoint(
            weights=named_variables(trainer.model),
            optimizer=named_variables(trainer.optimizer),
        )
        self.progress: dict[str, Any] = {}  # of the run, apart from its variables

    @property
    def step(self) -> int:
        """Steps trained so far."""
        return int(self._trainer.optimizer.iterations.numpy())

    def restore(self) -> int:
        """Loads the newest whole checkpoint, if there is one; returns its step or 0.

        Raises:
            UserError: all are damaged, or it is of another model.
        """
        if self._is_writer:
            sealed.remove_unfinished(self._folder)
        path = sealed.newest(self._folder)
        if path:
            prefix = os.path.join(path, sealed.VARIABLES)
            try:
                status = self._checkpoint.read(prefix)
                status.assert_existing_objects_matched()
            except (AssertionError, ValueError, tf.errors.OpError) as error:
                raise UserError(
                    f"Expected a checkpoint of this model and optimizer in {path}, "
                    f"received another ({str(error).splitlines()[0][:200]}); restore "
                    "the folder from a copy or use another --workdir."
                ) from error
            self.progress = sealed.read_progress(path)
        return self.step

    def save(self) -> None:
        """Saves a checkpoint and, if it is ours to do, drops the oldest.

        Raises:
            UserError: it cannot be written.
        """
        self.progress["sums"] = self._trainer.means.sums
        sealed.write(
            self._folder, self._checkpoint, step=self.step, progress=self.progress
        )
        if self._is_writer:
            sealed.drop_all_but(self._folder, num_kept=KEPT_CHECKPOINTS)
