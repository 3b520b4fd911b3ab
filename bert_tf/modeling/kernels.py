"""What a transformer computes, with gradients by hand where TensorFlow's are slow.

TensorFlow runs what lies between two products of matrices as a dozen operations, forward
and backward, each of which reads and writes the whole tensor. Here the forward and the
backward half are one function each, in float32 whatever the type of the tensors, and in
training XLA makes one loop of it. The products stay TensorFlow's. What is served is not
compiled: not every server has XLA.

Shapes: N positions, H units; leading dimensions are free where it says [..., H].
"""

import functools
from collections.abc import Callable

import tensorflow as tf

# Added to the scores of masked positions: exp() of it is 0 in every float type, and
# unlike -inf it gives no NaN in a row where everything is masked.
MASKED_SCORE = -1e9
# Of the random byte of each unit in dropout.
_BYTE_VALUES = 256


def _half(function: Callable) -> Callable:
    """A forward or backward half that can be compiled."""
    compiled_function = tf.function(function, jit_compile=True, autograph=False)

    @functools.wraps(function)
    def run(*tensors: tf.Tensor, compiled: bool, **settings):
        if not compiled:
            return function(*tensors, **settings)
        return compiled_function(*tensors, **settings)

    return run


@tf.custom_gradient
def dense(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """X @ kernel + bias, as one product of two matrices.

    Args:
        x: float [..., I].
        kernel: float [I, O].
        bias: float [O].

    Returns:
        Float [..., O].
    """
    rows_NI = tf.reshape(x, [-1, kernel.shape[0]])
    y_NO = tf.nn.bias_add(tf.matmul(rows_NI, kernel), bias)
    shape = tf.shape(x)

    def gradient(dy):
        dy_NO = tf.reshape(dy, tf.shape(y_NO))
        dx_NI = tf.matmul(dy_NO, kernel, transpose_b=True)
        # As a product it is faster than TensorFlow's sum, and in bfloat16 more
        # accurate: a product adds up in float32.
        ones_1N = tf.ones([1, tf.shape(dy_NO)[0]], dy.dtype)
        return (
            tf.reshape(dx_NI, shape),
            tf.matmul(rows_NI, dy_NO, transpose_a=True),
            tf.matmul(ones_1N, dy_NO)[0],
        )

    return tf.reshape(y_NO, tf.concat([shape[:-1], [kernel.shape[1]]], 0)), gradient


@_half
def _gelu_forward(x, *, approximate):
    return tf.cast(tf.nn.gelu(tf.cast(x, tf.float32), approximate), x.dtype)


@_half
def _gelu_backward(x, dy, *, approximate):
    value = tf.cast(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(value)
        y = tf.nn.gelu(value, approximate)
    return tf.cast(tape.gradient(y, value, tf.cast(dy, tf.float32)), x.dtype)


def gelu(x: tf.Tensor, *, approximate: bool, compiled: bool) -> tf.Tensor:
    """The Gaussian error linear unit (Hendrycks and Gimpel 2016), [...]."""

    @tf.custom_gradient
    def run(x):
        settings = {"approximate": approximate, "compiled": compiled}
        return (
            _gelu_forward(x, **settings),
            lambda dy: _gelu_backward(x, dy, **settings),
        )

    return run(x)


@_half
def _layer_norm_forward(x, gamma, beta, *, epsilon):
    value = tf.cast(x, tf.float32)
    mean = tf.reduce_mean(value, -1, keepdims=True)
    centred = value - mean
    scale = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + epsilon)
    normal = centred * scale
    y = normal * tf.cast(gamma, tf.float32) + tf.cast(beta, tf.float32)
    return tf.cast(y, x.dtype), tf.cast(normal, x.dtype), scale


@_half
def _layer_norm_backward(dy, normal, scale, gamma):
    axes = list(range(dy.shape.rank - 1))
    dy_value, normal_value = tf.cast(dy, tf.float32), tf.cast(normal, tf.float32)
    dnormal = dy_value * tf.cast(gamma, tf.float32)
    projected = tf.reduce_mean(dnormal * normal_value, -1, keepdims=True)
    dx = scale * (
        dnormal - tf.reduce_mean(dnormal, -1, keepdims=True) - normal_value * projected
    )
    return (
        tf.cast(dx, dy.dtype),
        tf.cast(tf.reduce_sum(dy_value * normal_value, axes), gamma.dtype),
        tf.cast(tf.reduce_sum(dy_value, axes), gamma.dtype),
    )


def layer_norm(
    x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, *, epsilon: float, compiled: bool
) -> tf.Tensor:
    """Layer normalisation over the last axis (Ba et al. 2016).

    Args:
        x: float [..., H].
        gamma: float [H].
        beta: float [H].
        epsilon: added to the variance.
        compiled: whether XLA may be used.

    Returns:
        A tensor like `x`.
    """

    @tf.custom_gradient
    def run(x, gamma, beta):
        y, normal, scale = _layer_norm_forward(
            x, gamma, beta, epsilon=epsilon, compiled=compiled
        )
        return y, lambda dy: _layer_norm_backward(
            dy, normal, scale, gamma, compiled=compiled
        )

    return run(x, gamma, beta)


@_half
def _softmax_forward(scores, mask, *, scale):
    value = tf.cast(scores, tf.float32) * scale + tf.where(mask, 0.0, MASKED_SCORE)
    return tf.cast(tf.nn.softmax(value), scores.dtype)


@_half
def _softmax_backward(dy, probabilities, *, scale):
    dy_value, value = tf.cast(dy, tf.float32), tf.cast(probabilities, tf.float32)
    total = tf.reduce_sum(dy_value * value, -1, keepdims=True)
    return tf.cast((dy_value - total) * value * scale, dy.dtype)


def masked_softmax(
    scores: tf.Tensor, mask: tf.Tensor, *, scale: float, compiled: bool
) -> tf.Tensor:
    """Softmax over the last axis of scores * scale, where the mask is True.

    Args:
        scores: float [...].
        mask: bool, broadcast to it. Where a row has none, all its scores count.
        scale: factor.
        compiled: whether XLA may be used.

    Returns:
        A tensor like `scores`.
    """
    settings = {"scale": scale, "compiled": compiled}

    @tf.custom_gradient
    def run(scores):
        probabilities = _softmax_forward(scores, mask, **settings)
        return probabilities, lambda dy: _softmax_backward(dy, probabilities, **settings)

    return run(scores)


def random_bytes(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Uniform uint8 of a shape; Philox gives the same on every device.

    Args:
        shape: int32 [rank].
        seed: int32 [2].
    """
    size = tf.reduce_prod(shape)
    words = tf.random.stateless_uniform(
        [(size + 3) // 4], seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
    )
    return tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size], shape)


@_half
def _drop(x, noise, *, threshold):
    kept = x * tf.cast(_BYTE_VALUES / (_BYTE_VALUES - threshold), x.dtype)
    return tf.where(noise >= tf.constant(threshold, tf.uint8), kept, tf.zeros_like(x))


def dropout(x: tf.Tensor, seed: tf.Tensor, *, rate: float) -> tf.Tensor:
    """Sets a share of the inputs to 0 and scales the rest.

    A random byte decides, a quarter of the work of a random number: the share is `rate`
    rounded to 256ths, and the scale fits it.

    Args:
        x: float [...].
        seed: int32 [2].
        rate: share to drop.
    """
    threshold = min(round(rate * _BYTE_VALUES), _BYTE_VALUES - 1)
    noise = random_bytes(tf.shape(x), seed)

    @tf.custom_gradient
    def run(x):
        drop = functools.partial(_drop, threshold=threshold, compiled=True)
        return drop(x, noise), lambda dy: drop(dy, noise)

    return run(x)
