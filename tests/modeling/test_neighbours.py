import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import bert_size
from bert_tf.modeling.encoder import BertEncoder
from bert_tf.modeling.neighbours import turn, waves


def small_encoder(size="tiny", **overrides):
    return BertEncoder(
        bert_size(
            size,
            **{
                "vocab_size": 500,
                "max_position_embeddings": 64,
                "initializer_range": 0.04,
                "initial_attention": "beside",
            }
            | overrides,
        )
    )


def first_attention(encoder):
    """Mean probabilities of the first layer, [N, 64, 64], on random words."""
    config = encoder.config
    num_heads = config.num_attention_heads
    head_size = config.hidden_size // num_heads
    x_BSH = encoder.embeddings(
        np.random.default_rng(0).integers(0, 500, [8, 64]), np.zeros([8, 64], "i4")
    )
    attention = encoder.transformer_layers[0].attention
    query, key = (
        np.reshape(projection(x_BSH), [8, 64, num_heads, head_size])
        for projection in (attention.query, attention.key)
    )
    logits = np.einsum("bqnd,bknd->bnqk", query, key) / np.sqrt(head_size)
    return tf.nn.softmax(logits).numpy().mean(0)


@pytest.mark.parametrize("offset", [-3, -1, 0, 2])
def test_a_turn_is_a_move(offset):
    table = waves(30, 5)

    moved = table @ turn(offset, 5)

    np.testing.assert_allclose(moved[3:27], table[3 + offset : 27 + offset], atol=1e-12)


def test_no_two_places_are_alike():
    table = waves(512, 16)

    others = table @ table.T - 17 * np.eye(512)  # a place with itself: 16

    assert others.max() < 14.5  # the nearest ones
    assert np.triu(others, 20).max() < 12


@pytest.mark.parametrize(
    ("size", "num_heads", "layer_norm"),
    [("tiny", 2, "post"), ("mini", 4, "post"), ("mini", 8, "post"), ("mini", 4, "pre")],
)
def test_heads_of_the_first_layer_begin_by_looking_beside(size, num_heads, layer_norm):
    encoder = small_encoder(size, num_attention_heads=num_heads, layer_norm=layer_norm)

    probabilities = first_attention(encoder)

    for head, offset in enumerate([-1, 1, -2, 2, -3, 3, -4, 4][:num_heads]):
        for position in range(4, 60):
            assert probabilities[head, position].argmax() == position + offset
        # Sure enough to be of use, not too sure to be moved.
        assert 0.5 < np.diagonal(probabilities[head], offset)[4:-4].mean() < 0.9


def test_words_and_positions_have_units_of_their_own():
    embeddings = small_encoder(initializer_range=0.02).embeddings

    is_of_positions = np.arange(128) < 32
    for table, expected in (
        (embeddings.position_embeddings, is_of_positions),
        (embeddings.word_embeddings, ~is_of_positions),
        (embeddings.token_type_embeddings, ~is_of_positions),
    ):
        np.testing.assert_array_equal(np.any(table, axis=0), expected)
        assert np.std(np.asarray(table)[:, expected]) == pytest.approx(0.02, rel=0.15)


def test_what_is_above_and_random_beginnings_are_left_alone():
    beside, random = (
        [
            layer.attention.query.kernel.numpy()
            for layer in small_encoder(initial_attention=choice).transformer_layers
        ]
        for choice in ("beside", "random")
    )

    assert np.abs(beside[0]).max() > 1
    for kernel in (beside[1], *random):
        assert np.abs(kernel).max() <= 0.08  # two standard deviations
