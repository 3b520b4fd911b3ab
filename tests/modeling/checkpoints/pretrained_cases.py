"""Pretrained BERTs of random weights, with heads, for formats to write and read."""

import numpy as np

from bert_tf.config import BertConfig
from bert_tf.data.vocab import Vocabulary
from bert_tf.modeling.checkpoints.coverage import Coverage
from bert_tf.modeling.checkpoints.pretrained import Pretrained
from bert_tf.modeling.checkpoints.shapes import encoder_shapes, head_shapes

TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##c", "new", "town")


def small_config(**overrides):
    return BertConfig(
        **{
            "vocab_size": len(TOKENS),
            "hidden_size": 8,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 12,
            "max_position_embeddings": 7,
            "layer_norm_eps": 1e-12,
        }
        | overrides
    )


def make_pretrained(*heads, num_labels=3, labels=(), **overrides):
    """Every weight random, so that none can be mistaken for another."""
    config = small_config(**overrides)
    rng = np.random.default_rng(1)
    shapes = encoder_shapes(config)
    for head in heads:
        shapes |= head_shapes(head, config)
    weights = {}
    for path, shape in shapes.items():
        if None in shape:  # of a classifier of the last layer's features
            sizes = (config.hidden_size, shape[-1] or num_labels)
            shape = sizes[-len(shape) :]
        weights[path] = rng.normal(size=shape).astype("float32")
    return Pretrained(
        config,
        weights,
        Vocabulary(TOKENS),
        Coverage(tuple(weights), {}, {}, ()),
        labels=labels,
    )


def assert_same(received, expected):
    """The same bits, configuration and vocabulary."""
    assert received.config == expected.config
    assert received.vocabulary == expected.vocabulary
    assert received.labels == expected.labels
    assert set(received.weights) == set(expected.weights)
    for path, values in expected.weights.items():
        np.testing.assert_array_equal(received.weights[path], values, err_msg=path)
