"""A model's weights as constants of the graph that is traced.

Where a weight is a constant, TensorFlow knows its shape and oneDNN its values: it keeps
it in the order that its products like best, and normalisation and attention become one
operation each. A constant is also stored in the type that is computed with. The price is
a copy of the weights in memory for each signature that a server is asked for, and a graph
as large as the weights.
"""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf


@contextlib.contextmanager
def constant_weights(model: keras.Model) -> Iterator[None]:
    """Within it, the model computes with constants, each in the type of its layer."""
    scope = keras.StatelessScope()
    # In the order of Keras, a layer comes before those within, whose types count.
    for layer in model._flatten_layers():
        for weight in layer.weights:
            dtype = layer.compute_dtype if weight._autocast else weight.dtype
            value = tf.convert_to_tensor(weight.value)
            scope.add_update((weight, tf.cast(value, dtype)))
    with scope:
        yield
