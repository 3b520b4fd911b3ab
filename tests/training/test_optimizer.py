"""The optimizers beside slow ones of a few lines."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import OptimizerConfig, bert_size
from bert_tf.modeling.models import BertPretrainer
from bert_tf.training.optimizer import AdamW, Lamb, is_decayed, make_optimizer
from bert_tf.training.schedules import make_schedule


def slow_moments(gradients, *, bias_correction, beta_1=0.9, beta_2=0.999):
    m = v = 0.0
    for step, gradient in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + (1 - beta_2) * gradient**2
        if bias_correction:
            yield m / (1 - beta_1**step), v / (1 - beta_2**step)
        else:
            yield m, v


def slow_adamw(x, gradients, *, rate, decay, bias_correction):
    for m, v in slow_moments(gradients, bias_correction=bias_correction):
        x = x - rate * (m / (np.sqrt(v) + 1e-6) + decay * x)
    return x


def slow_lamb(x, gradients, *, rate, decay, bias_correction):
    for m, v in slow_moments(gradients, bias_correction=bias_correction):
        r = m / (np.sqrt(v) + 1e-6) + decay * x
        x = x - rate * np.linalg.norm(x) / np.linalg.norm(r) * r
    return x


@pytest.mark.parametrize("bias_correction", [True, False])
@pytest.mark.parametrize(("optimizer", "slow"), [(AdamW, slow_adamw), (Lamb, slow_lamb)])
def test_equals_the_paper(optimizer, slow, bias_correction):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(20, 5))
    variable = keras.Variable(start, dtype="float32")
    fast = optimizer(0.01, weight_decay=0.1, bias_correction=bias_correction)
    fast.build([variable])

    for gradient in gradients:
        fast.apply([tf.constant(gradient, tf.float32)], [variable])

    expected = slow(
        start, gradients, rate=0.01, decay=0.1, bias_correction=bias_correction
    )
    np.testing.assert_allclose(variable.numpy(), expected, atol=1e-5)
    assert int(fast.iterations) == 20


def test_lamb_leaves_the_rate_alone_where_nothing_is_decayed_or_a_norm_is_0():
    for path, start in (("bias", 3.0), ("kernel", 0.0)):
        variable = keras.Variable([start], dtype="float32", name=path)
        optimizer = Lamb(0.01, weight_decay=0.1)
        optimizer.build([variable])
        optimizer.apply([tf.constant([2.0])], [variable])
        np.testing.assert_allclose(variable.numpy(), [start - 0.01], atol=1e-6)


def test_clips_by_the_norm_of_all_gradients_together():
    variables = [keras.Variable(np.zeros(1), dtype="float32") for _ in range(2)]
    # With this epsilon a step is the gradient divided by a million.
    optimizer = AdamW(
        1.0,
        beta_1=0.0,
        beta_2=0.0,
        epsilon=1e6,
        bias_correction=False,
        global_clipnorm=1.0,
    )
    optimizer.build(variables)

    norm = optimizer.apply([tf.constant([3.0]), tf.constant([4.0])], variables)

    assert float(norm) == pytest.approx(5.0)
    np.testing.assert_allclose(
        [-1e6 * v.numpy()[0] for v in variables], [0.6, 0.8], rtol=1e-3
    )


def test_biases_and_layer_norms_are_not_decayed():
    model = BertPretrainer(bert_size("tiny", vocab_size=30, max_position_embeddings=8))

    decayed = {v.path for v in model.trainable_variables if is_decayed(v.path)}

    expected = {
        v.path
        for v in model.trainable_variables
        if v.path.endswith(("kernel", "embeddings"))
    }
    assert decayed == expected
    assert len(decayed) == 3 + 2 * 6 + 1 + 2  # tables, layers, pooler, heads


@pytest.mark.parametrize("name", ["adamw", "lamb"])
def test_a_run_s_optimizer_has_the_settings(name):
    config = OptimizerConfig(name=name, learning_rate=0.5, warmup_steps=0, beta_2=0.98)
    schedule = make_schedule(config, num_train_steps=10)
    optimizer = make_optimizer(config, schedule, dynamic_loss_scale=True)

    assert type(optimizer) is {"adamw": AdamW, "lamb": Lamb}[name]
    assert optimizer.beta_2 == 0.98
    assert float(optimizer.learning_rate) == 0.5
    assert optimizer.global_clipnorm == 1.0
    assert optimizer.dynamic_loss_scale


@pytest.mark.parametrize("optimizer", [AdamW, Lamb])
def test_round_trip(optimizer):
    first = optimizer(0.01, beta_2=0.98, weight_decay=0.1, dynamic_loss_scale=True)

    restored = keras.optimizers.deserialize(keras.optimizers.serialize(first))

    assert restored.get_config() == first.get_config()
    assert restored.beta_2 == 0.98
