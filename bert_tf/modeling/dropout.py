"""Dropout whose mask is a function of a seed alone."""

import keras
import tensorflow as tf

from bert_tf.modeling import kernels
from bert_tf.modeling.kernels import Form


def fold_seed(seed: tf.Tensor | None, number: int | tf.Tensor) -> tf.Tensor | None:
    """Derives a seed for one part of the model.

    Args:
        seed: int32 [2], or None for no dropout.
        number: what tells the part from its siblings.

    Returns:
        int32 [2], or None if `seed` is.
    """
    if seed is None:
        return None
    return tf.random.experimental.stateless_fold_in(seed, number)


def random_seed() -> tf.Tensor:
    """An int32 [2] seed from TensorFlow's global generator (tf.random.set_seed)."""
    return tf.random.uniform([2], maxval=tf.int32.max, dtype=tf.int32)


@keras.saving.register_keras_serializable(package="bert_tf")
class StatelessDropout(keras.layers.Layer):
    """Sets a share `rate` of the inputs to 0 and scales the rest to keep their mean.

    Keras' own dropout keeps a seed in a variable that no checkpoint format saves and
    that is alike on every replica. Here the caller derives the seed from what a
    resumed run knows again: run seed, step, replica and place in the model.

    Args:
        rate: share of the inputs to drop, at least 0 and below 1; rounded to 256ths.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate

    def call(
        self,
        inputs: tf.Tensor,
        seed: tf.Tensor | None = None,
        form: Form = Form.COMPILED,
    ) -> tf.Tensor:
        """Drops inputs.

        Args:
            inputs: float tensor of any shape.
            seed: int32 [2], or None to return the inputs as they are.
            form: see Form.

        Returns:
            A tensor like `inputs`.
        """
        if seed is None or self.rate == 0:
            return inputs
        return kernels.dropout(inputs, seed, rate=self.rate, form=form)

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {"rate": self.rate}
