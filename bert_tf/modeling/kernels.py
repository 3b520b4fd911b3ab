"""What a transformer computes, in the forms that are fast in training and in service.

TensorFlow runs what lies between two products of matrices as a dozen operations, forward
and backward, each of which reads and writes the whole tensor. The products stay
TensorFlow's; the rest has a form for each use, see Form.

Shapes: N positions, H units; leading dimensions are free where it says [..., H].
"""

import enum
import functools
import math
from collections.abc import Callable

import tensorflow as tf

# Added to the scores of masked positions: exp() of it is 0 in every float type, and
# unlike -inf it gives no NaN in a row where everything is masked.
MASKED_SCORE = -1e9
# Of the random byte of each unit in dropout.
_BYTE_VALUES = 256
# What oneDNN's layer normalisation adds to the variance, whatever it is told.
_FUSED_EPSILON = 1e-3


class Form(enum.Enum):
    """How something is computed that is no product of matrices."""

    # In training: the forward and the backward half are a function each, in float32
    # whatever the type of the tensors, and XLA makes one loop of it.
    COMPILED = enum.auto()
    # For tensors whose shape is another in each step, since XLA compiles for each: the
    # same as TensorFlow's operations, in float32.
    PLAIN = enum.auto()
    # Outside training: as operations that TensorFlow knows to replace by one of oneDNN,
    # most of them a part of the product before. Where there is no oneDNN, or the weights
    # are variables, more of them are computed as they are. Servers have no XLA, nor our
    # gradients.
    FUSED = enum.auto()


def _compiled(function: Callable) -> Callable:
    """A forward or backward half, as one operation of XLA's."""
    return tf.function(function, jit_compile=True, autograph=False)


def dense(
    x: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    *,
    training: bool,
    epilogue: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    """`epilogue(x @ kernel + bias)`, as one product of two matrices.

    Args:
        x: float [..., I].
        kernel: float [I, O].
        bias: float [O].
        training: whether the gradient is to be by hand.
        epilogue: from [N, O] to the same; next to the product, it may become a part of
            it.

    Returns:
        Float [..., O].
    """
    product = _dense if training else _plain_dense
    y_NO = epilogue(product(tf.reshape(x, [-1, kernel.shape[0]]), kernel, bias))
    return tf.reshape(y_NO, tf.concat([tf.shape(x)[:-1], [kernel.shape[1]]], 0))


def _plain_dense(x_NI, kernel, bias):
    return tf.nn.bias_add(tf.matmul(x_NI, kernel), bias)


@tf.custom_gradient
def _dense(x_NI, kernel, bias):
    def gradient(dy_NO):
        # As a product it is faster than TensorFlow's sum, and in bfloat16 more
        # accurate: a product adds up in float32.
        ones_1N = tf.ones([1, tf.shape(dy_NO)[0]], dy_NO.dtype)
        return (
            tf.matmul(dy_NO, kernel, transpose_b=True),
            tf.matmul(x_NI, dy_NO, transpose_a=True),
            tf.matmul(ones_1N, dy_NO)[0],
        )

    return _plain_dense(x_NI, kernel, bias), gradient


def gelu(x: tf.Tensor, *, approximate: bool, form: Form) -> tf.Tensor:
    """The Gaussian error linear unit (Hendrycks and Gimpel 2016).

    Args:
        x: float [...].
        approximate: whether by tanh.
        form: see Form.
    """
    if form is Form.FUSED:
        return tf.nn.gelu(x, approximate)
    if form is Form.PLAIN:
        return _gelu(x, approximate=approximate)

    @tf.custom_gradient
    def run(x):
        return (
            _gelu_forward(x, approximate=approximate),
            lambda dy: _gelu_backward(x, dy, approximate=approximate),
        )

    return run(x)


def _gelu(x, *, approximate):
    return tf.cast(tf.nn.gelu(tf.cast(x, tf.float32), approximate), x.dtype)


_gelu_forward = _compiled(_gelu)


@_compiled
def _gelu_backward(x, dy, *, approximate):
    value = tf.cast(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(value)
        y = tf.nn.gelu(value, approximate)
    return tf.cast(tape.gradient(y, value, tf.cast(dy, tf.float32)), x.dtype)


def layer_norm(
    x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, *, epsilon: float, form: Form
) -> tf.Tensor:
    """Layer normalisation over the last axis (Ba et al. 2016).

    Args:
        x: float [..., H].
        gamma: float [H].
        beta: float [H].
        epsilon: added to the variance.
        form: see Form.

    Returns:
        A tensor like `x`.
    """
    # Of other types it would be less accurate where it is not fused: what is subtracted
    # last is large where the mean is.
    if form is Form.FUSED and x.dtype == tf.bfloat16:
        return _fusable_layer_norm(x, gamma, beta, epsilon=epsilon)
    if form is not Form.COMPILED:
        return _layer_norm(x, gamma, beta, epsilon=epsilon)[0]

    @tf.custom_gradient
    def run(x, gamma, beta):
        y, normal, scale = _layer_norm_forward(x, gamma, beta, epsilon=epsilon)
        return y, lambda dy: _layer_norm_backward(dy, normal, scale, gamma)

    return run(x, gamma, beta)


def _fusable_layer_norm(x, gamma, beta, *, epsilon):
    # Normalisation takes out the factor again, and with it the epsilon is as asked.
    value = tf.cast(x, tf.float32) * math.sqrt(_FUSED_EPSILON / epsilon)
    last = x.shape.rank - 1  # as -1 it is not known again
    mean = tf.reduce_mean(value, last, keepdims=True)
    deviation = tf.math.squared_difference(value, mean)
    variance = tf.reduce_mean(deviation, last, keepdims=True)
    scale = tf.math.rsqrt(variance + _FUSED_EPSILON) * tf.cast(gamma, tf.float32)
    return tf.cast(value * scale + (tf.cast(beta, tf.float32) - mean * scale), x.dtype)


def _layer_norm(x, gamma, beta, *, epsilon):
    value = tf.cast(x, tf.float32)
    mean = tf.reduce_mean(value, -1, keepdims=True)
    centred = value - mean
    scale = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + epsilon)
    normal = centred * scale
    y = normal * tf.cast(gamma, tf.float32) + tf.cast(beta, tf.float32)
    return tf.cast(y, x.dtype), tf.cast(normal, x.dtype), scale


_layer_norm_forward = _compiled(_layer_norm)


@_compiled
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


def masked_softmax(
    scores: tf.Tensor, mask: tf.Tensor, *, scale: float, form: Form
) -> tf.Tensor:
    """Softmax over the last axis of scores * scale, where the mask is True.

    Args:
        scores: float [...].
        mask: bool, broadcast to it. Where a row has none, all its scores count.
        scale: factor.
        form: see Form.

    Returns:
        A tensor like `scores`.
    """
    if form is Form.FUSED and scores.dtype != tf.float16:  # which has no such numbers
        bias = tf.cast(tf.where(mask, 0.0, MASKED_SCORE), scores.dtype)
        return tf.nn.softmax(scores * scale + bias)
    if form is not Form.COMPILED:
        return _softmax(scores, mask, scale=scale)

    @tf.custom_gradient
    def run(scores):
        probabilities = _softmax_forward(scores, mask, scale=scale)
        return probabilities, lambda dy: _softmax_backward(dy, probabilities, scale=scale)

    return run(scores)


def _softmax(scores, mask, *, scale):
    value = tf.cast(scores, tf.float32) * scale + tf.where(mask, 0.0, MASKED_SCORE)
    return tf.cast(tf.nn.softmax(value), scores.dtype)


_softmax_forward = _compiled(_softmax)


@_compiled
def _softmax_backward(dy, probabilities, *, scale):
    dy_value, value = tf.cast(dy, tf.float32), tf.cast(probabilities, tf.float32)
    total = tf.reduce_sum(dy_value * value, -1, keepdims=True)
    return tf.cast((dy_value - total) * value * scale, dy.dtype)


@tf.custom_gradient
def swap_middle_axes(x: tf.Tensor) -> tf.Tensor:
    """[A, B, C, D] to [A, C, B, D].

    As integers: floats would be moved by oneDNN, which takes 60 us before it begins.

    Args:
        x: float of 16 or 32 bits, [A, B, C, D].
    """
    bits = tf.bitcast(x, tf.int16 if x.dtype.size == 2 else tf.int32)
    return tf.bitcast(tf.transpose(bits, [0, 2, 1, 3]), x.dtype), swap_middle_axes


def dropout(x: tf.Tensor, seed: tf.Tensor, *, rate: float, form: Form) -> tf.Tensor:
    """Sets a share of the inputs to 0 and scales the rest, in training.

    A random byte decides, a quarter of the work of a random number: the share is `rate`
    rounded to 256ths, and the scale fits it.

    Args:
        x: float [...].
        seed: int32 [2].
        rate: share to drop.
        form: see Form.
    """
    threshold = min(round(rate * _BYTE_VALUES), _BYTE_VALUES - 1)
    noise = _random_bytes(tf.shape(x), seed)
    function = _compiled_drop if form is Form.COMPILED else _drop

    @tf.custom_gradient
    def run(x):
        drop = functools.partial(function, noise=noise, threshold=threshold)
        return drop(x), drop

    return run(x)


def _random_bytes(shape, seed):
    """Uniform uint8 of a shape; Philox gives the same on every device."""
    size = tf.reduce_prod(shape)
    words = tf.random.stateless_uniform(
        [(size + 3) // 4], seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
    )
    return tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size], shape)


def _drop(x, *, noise, threshold):
    kept = x * tf.cast(_BYTE_VALUES / (_BYTE_VALUES - threshold), x.dtype)
    return tf.where(noise >= tf.constant(threshold, tf.uint8), kept, tf.zeros_like(x))


_compiled_drop = _compiled(_drop)


@tf.custom_gradient
def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The negative logarithm of the probability that logits give to labels.

    TensorFlow's own is 60 ms of a step where this is 14 (600 labels, 30,522 words).

    Args:
        logits: float32 [..., V].
        labels: int [...], each in [0, V).

    Returns:
        Float32 [...], in nats. The first derivative alone is defined.
    """
    losses, partition = _cross_entropy_forward(logits, labels)

    def gradient(dy):
        return _cross_entropy_backward(dy, logits, labels, partition), None

    return losses, gradient


@_compiled
def _cross_entropy_forward(logits, labels):
    highest = tf.reduce_max(logits, -1, keepdims=True)
    total = tf.reduce_sum(tf.exp(logits - highest), -1, keepdims=True)
    partition = tf.math.log(total) + highest
    of_label = tf.gather(logits, labels, batch_dims=labels.shape.rank)
    return partition[..., 0] - of_label, partition


@_compiled
def _cross_entropy_backward(dy, logits, labels, partition):
    is_label = tf.equal(tf.range(logits.shape[-1]), labels[..., None])
    return (tf.exp(logits - partition) - tf.cast(is_label, tf.float32)) * dy[..., None]
