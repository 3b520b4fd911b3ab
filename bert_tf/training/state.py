"""What a run saves, so that it can go on at the step where it was."""

import os

import keras
import tensorflow as tf

from bert_tf.modeling.checkpoints.run_dir import CHECKPOINT_DIR, named_variables

KEPT_CHECKPOINTS = 3


class TrainingState:
    """The checkpoints of a run: weights and optimizer, named by the step.

    Args:
        workdir: the run's folder.
        model: whose weights are saved.
        optimizer: built; its `iterations` is the step.
    """

    def __init__(
        self, workdir: str, model: keras.Model, optimizer: keras.optimizers.Optimizer
    ):
        self._optimizer = optimizer
        self._checkpoint = tf.train.Checkpoint(
            weights=named_variables(model), optimizer=named_variables(optimizer)
        )
        self._manager = tf.train.CheckpointManager(
            self._checkpoint,
            os.path.join(workdir, CHECKPOINT_DIR),
            max_to_keep=KEPT_CHECKPOINTS,
        )

    @property
    def step(self) -> int:
        """Steps trained so far."""
        return int(self._optimizer.iterations.numpy())

    def restore(self) -> int:
        """Loads the newest checkpoint, if there is one, and returns its step or 0."""
        if self._manager.latest_checkpoint:
            status = self._checkpoint.restore(self._manager.latest_checkpoint)
            status.assert_existing_objects_matched()
        return self.step

    def save(self) -> str:
        """Saves a checkpoint, drops the oldest, and returns the new one's path."""
        return self._manager.save(checkpoint_number=self.step)
