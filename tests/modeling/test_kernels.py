"""Each kernel beside TensorFlow's plain operations: values and gradients."""

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.modeling import kernels
from bert_tf.modeling.kernels import Form

ROUNDING = {"float32": 1e-5, "bfloat16": 0.05}


def normal(*shape, seed=0, dtype="float32"):
    return tf.cast(tf.random.stateless_normal(shape, seed=[seed, 0]), dtype)


def values_and_gradients(function, *inputs):
    """What a function gives, and its gradients for some weights of its outputs."""

    @tf.function(autograph=False)
    def run():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = function(*inputs)
            loss = tf.reduce_sum(tf.cast(y, tf.float32) * normal(*y.shape, seed=9))
        return [y, *tape.gradient(loss, inputs)]

    return [tf.cast(found, tf.float32).numpy() for found in run()]


def assert_alike(function, plain, *inputs):
    """Against the plain form in float32 on the same, perhaps rounded, inputs."""
    dtype = inputs[0].dtype.name
    found = values_and_gradients(function, *inputs)
    expected = values_and_gradients(plain, *(tf.cast(x, tf.float32) for x in inputs))
    for one, other in zip(found, expected, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDING[dtype] * scale)


@pytest.fixture(params=["float32", "bfloat16"])
def dtype(request):
    return request.param


@pytest.fixture(params=Form, ids=lambda form: form.name.lower())
def form(request):
    return request.param


@pytest.mark.parametrize("training", [True, False])
def test_dense(dtype, training):
    assert_alike(
        lambda *inputs: kernels.dense(*inputs, training=training, epilogue=tf.tanh),
        lambda x, kernel, bias: tf.tanh(tf.einsum("bsi,io->bso", x, kernel) + bias),
        normal(3, 4, 6, dtype=dtype),
        normal(6, 5, seed=1, dtype=dtype),
        normal(5, seed=2, dtype=dtype),
    )


@pytest.mark.parametrize("approximate", [True, False])
def test_gelu(dtype, approximate, form):
    assert_alike(
        lambda x: kernels.gelu(x, approximate=approximate, form=form),
        lambda x: tf.nn.gelu(x, approximate),
        3 * normal(4, 50, dtype=dtype),
    )


def test_layer_norm(dtype, form):
    def plain(x, gamma, beta):
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-12)

    assert_alike(
        lambda *inputs: kernels.layer_norm(*inputs, epsilon=1e-12, form=form),
        plain,
        1 + 2 * normal(3, 4, 16, dtype=dtype),
        normal(16, seed=1, dtype=dtype),
        normal(16, seed=2, dtype=dtype),
    )


@pytest.mark.parametrize(("epsilon", "expected"), [(1e-12, 1), (1e-4, 0.5**0.5)])
def test_layer_norm_takes_its_epsilon_from_the_caller(dtype, form, epsilon, expected):
    """Fused forms of TensorFlow's are known to take 1e-3 whatever they are told."""

    @tf.function(autograph=False)
    def run(x):
        gamma, beta = tf.ones([64], dtype), tf.zeros([64], dtype)
        return kernels.layer_norm(x, gamma, beta, epsilon=epsilon, form=form)

    x = normal(4, 64)
    x *= 0.01 / tf.math.reduce_std(x, -1, keepdims=True)
    y = tf.cast(run(tf.cast(x, dtype)), tf.float32)
    tolerance = 1e-5 if dtype == "float32" else 0.01
    np.testing.assert_allclose(tf.math.reduce_std(y, -1), 4 * [expected], atol=tolerance)


def test_masked_softmax(dtype, form):
    mask = tf.constant([[True, True, False, True]] * 3 + [[False] * 4])

    def plain(x):
        return tf.nn.softmax(tf.where(mask, 0.5 * x, -1e9 + 0 * x))

    found = values_and_gradients(
        lambda x: kernels.masked_softmax(x, mask, scale=0.5, form=form),
        normal(2, 4, 4, dtype=dtype),
    )
    expected = values_and_gradients(
        plain, tf.cast(normal(2, 4, 4, dtype=dtype), "float32")
    )
    for one, other in zip(found, expected, strict=True):
        assert np.isfinite(one).all()
        tolerance = ROUNDING[dtype]
        np.testing.assert_allclose(one[:, :3], other[:, :3], atol=tolerance)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_attention_to_many_sums_to_one(dtype, form):
    scores = 20 * normal(4, 512, dtype=dtype)
    mask = tf.range(512) < tf.constant([[0], [1], [100], [512]])

    found = kernels.masked_softmax(scores, mask, scale=0.5, form=form)

    found = tf.cast(found, tf.float32).numpy()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=0.01)
    assert not found[1:][~mask.numpy()[1:]].any()


@pytest.mark.parametrize("shape", [(100, 100), (7, 11, 3)])
def test_dropout_drops_its_share_in_both_directions(dtype, shape, form):
    def drop(x):
        return kernels.dropout(x, tf.constant([1, 2]), rate=0.1, form=form)

    x = tf.ones(shape, dtype)
    y, again = drop(x).numpy(), drop(x).numpy()
    np.testing.assert_array_equal(y, again)
    is_kept = y != 0
    assert np.allclose(y[is_kept].astype("float32"), 256 / 230, atol=0.005)
    share, number = 1 - is_kept.mean(), is_kept.size
    assert abs(share - 26 / 256) < 4 * np.sqrt(0.1 * 0.9 / number)
    value, gradient = values_and_gradients(drop, x)
    weights = normal(*shape, seed=9).numpy()
    np.testing.assert_allclose(gradient, value * weights, atol=0.03)


def test_dropout_differs_by_seed():
    x = tf.ones([1000])
    one, other = (
        kernels.dropout(x, tf.constant([seed, 0]), rate=0.5, form=Form.COMPILED)
        for seed in (1, 2)
    )
    assert 400 < int(tf.reduce_sum(tf.cast(one != other, tf.int32))) < 600


@pytest.mark.parametrize("shape", [(9, 7), (2, 3, 5)])
def test_cross_entropy(shape):
    labels = tf.random.stateless_uniform(
        shape[:-1], seed=[3, 0], maxval=shape[-1], dtype=tf.int32
    )
    assert_alike(
        lambda logits: kernels.cross_entropy(logits, labels),
        lambda logits: tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits),
        # Some of which exp() takes to nothing or to infinity.
        100 * normal(*shape),
    )


def test_swap_middle_axes(dtype):
    assert_alike(
        kernels.swap_middle_axes,
        lambda x: tf.einsum("abcd->acbd", x),
        normal(2, 3, 4, 5, dtype=dtype),
    )
