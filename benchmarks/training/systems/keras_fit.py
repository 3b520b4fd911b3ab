"""What the systems under Keras 3's `fit` share."""

import keras
import tensorflow as tf

from benchmarks.training.workload import Batches, Stopwatch, Workload


def dataset(workload: Workload, batches: Batches) -> tf.data.Dataset:
    """The batches, endlessly."""
    examples = tf.data.Dataset.from_tensor_slices(batches.arrays)
    return examples.batch(workload.batch_size, drop_remainder=True).repeat()


def fit(model: keras.Model, data: tf.data.Dataset, stopwatch: Stopwatch) -> None:
    """Trains until the stopwatch has enough."""
    model.fit(
        data.prefetch(tf.data.AUTOTUNE),
        steps_per_epoch=1_000_000,  # more than there is time for
        shuffle=False,
        verbose=0,
        callbacks=[_StopInTime(stopwatch)],
    )


class _StopInTime(keras.callbacks.Callback):
    def __init__(self, stopwatch: Stopwatch):
        super().__init__()
        self._stopwatch = stopwatch

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = self._stopwatch.step_done()
