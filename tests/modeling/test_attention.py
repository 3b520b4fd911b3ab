import numpy as np
import tensorflow as tf

from bert_tf.modeling.attention import SelfAttention


def slow_attention(layer, x, mask):
    """Loops over sequences, heads and positions as the paper's formula reads."""
    project = {
        name: x @ dense.kernel.numpy() + dense.bias.numpy()
        for name in ("query", "key", "value")
        for dense in [getattr(layer, name)]
    }
    batch_size, length, hidden_size = x.shape
    size = hidden_size // layer.num_heads
    output = np.zeros_like(x)
    for b in range(batch_size):
        for head in range(layer.num_heads):
            part = slice(head * size, (head + 1) * size)
            for s in range(length):
                scores = np.array(
                    [
                        project["query"][b, s, part] @ project["key"][b, t, part]
                        for t in range(length)
                    ]
                ) / np.sqrt(size)
                weights = np.exp(scores) * mask[b]
                weights /= weights.sum()
                output[b, s, part] = weights @ project["value"][b, :, part]
    return output


def test_equals_the_slow_reference():
    rng = np.random.default_rng(0)
    layer = SelfAttention(num_heads=3, dropout_rate=0.0, initializer_range=0.5)
    x = rng.normal(size=(2, 5, 12)).astype("float32")
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 1, 0]], bool)
    layer.build(x.shape)
    for name in ("query", "key", "value"):
        getattr(layer, name).bias.assign(rng.normal(size=12))

    outputs = layer(x, x, tf.constant(mask)[:, None])

    np.testing.assert_allclose(outputs, slow_attention(layer, x, mask), atol=1e-5)


def test_a_fully_masked_row_gives_finite_numbers():
    layer = SelfAttention(num_heads=2, dropout_rate=0.0, initializer_range=0.5)
    x = tf.random.stateless_normal([1, 4, 8], seed=[0, 0])

    outputs = layer(x, x, tf.zeros([1, 1, 4], tf.bool))

    assert np.isfinite(outputs).all()
