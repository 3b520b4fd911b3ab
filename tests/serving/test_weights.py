"""Weights become what a server is to have, and are the model's again."""

import numpy as np
import tensorflow as tf

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.modeling.task_model import HeadConfig, TaskModel
from bert_tf.serving.weights import weights_for_serving

CONFIG = BertConfig(
    vocab_size=20,
    hidden_size=8,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=8,
    dtype_policy="mixed_bfloat16",
)


def test_weights_are_others_for_a_while():
    model = TaskModel(CONFIG, HeadConfig("classifier", 2), FeatureConfig())
    kernel, of_head = model.bert.pooler.kernel, model.output_layer.kernel

    with weights_for_serving(model):
        within = {each.path: tf.convert_to_tensor(each) for each in (kernel, of_head)}
        kernel.assign(tf.zeros_like(kernel))

    assert within[kernel.path].dtype == tf.bfloat16
    assert within[of_head.path].dtype == tf.float32
    np.testing.assert_array_equal(within[kernel.path], tf.cast(kernel.value, tf.bfloat16))
    assert np.abs(kernel).max() > 0  # what is assigned within is not kept


def test_matrices_are_variables_of_their_own_and_vectors_are_none():
    model = TaskModel(CONFIG, HeadConfig("classifier", 2), FeatureConfig())
    inputs = {
        name: tf.ones([2, 4], tf.int32)
        for name in ("input_word_ids", "input_mask", "input_type_ids")
    }
    specs = {name: tf.TensorSpec([None, None], tf.int32, name) for name in inputs}
    function = tf.function(lambda **inputs: model(inputs), autograph=False)

    weights = weights_for_serving(model)
    with weights:
        concrete = function.get_concrete_function(**specs)

    shapes = sorted(tuple(each.shape) for each in concrete.variables)
    assert shapes == sorted(
        tuple(each.shape) for each in model.variables if each.ndim > 1
    )
    expected = model(inputs)["logits"]
    for weight in model.weights:
        weight.assign(tf.zeros_like(weight))
    np.testing.assert_allclose(concrete(**inputs)["logits"], expected, atol=0.02)
