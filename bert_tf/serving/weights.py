"""A model's weights as a server is to have them.

Each is of the type that its layer computes in. Matrices are variables, which all
signatures share. Vectors are constants of the graph: only of constants TensorFlow makes a
whole normalisation one operation of oneDNN. Matrices that are constants would be faster
still, as oneDNN keeps them in the order that it likes best, but a BERT-base would then
take 13 seconds instead of 3 to load, and 5 GB of memory instead of 1.1:
benchmarks/serving/notes.md.
"""

import keras
import tensorflow as tf


def weights_for_serving(model: keras.Model) -> keras.StatelessScope:
    """A scope in which the model computes with them.

    Args:
        model: built.

    Returns:
        The scope, which has the variables: what is traced in it needs it afterwards.
    """
    dtypes = {}
    # In the order of Keras, a layer comes before those within, whose types count.
    for layer in model._flatten_layers():
        for weight in layer.weights:
            dtype = layer.compute_dtype if weight._autocast else weight.dtype
            dtypes[id(weight)] = weight, dtype
    scope = keras.StatelessScope()
    for weight, dtype in dtypes.values():
        value = tf.cast(tf.convert_to_tensor(weight.value), dtype)
        is_matrix = len(weight.shape) > 1
        scope.add_update((weight, tf.Variable(value) if is_matrix else value))
    return scope
