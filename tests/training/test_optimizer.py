import keras
import numpy as np

from bert_tf.config import OptimizerConfig, bert_size
from bert_tf.modeling.models import BertPretrainer
from bert_tf.training.optimizer import BertAdamW, make_optimizer


def slow_adamw(x, gradients, *, rate, decay, beta_1=0.9, beta_2=0.999, epsilon=1e-6):
    m = v = 0.0
    for gradient in gradients:
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + (1 - beta_2) * gradient**2
        x = x - rate * (m / (np.sqrt(v) + epsilon) + decay * x)
    return x


def test_equals_the_original_without_bias_correction():
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(20, 5))
    variable = keras.Variable(start, dtype="float32")
    optimizer = BertAdamW(0.01, weight_decay=0.1)

    for gradient in gradients:
        optimizer.apply([gradient.astype("float32")], [variable])

    expected = slow_adamw(start, gradients, rate=0.01, decay=0.1)
    np.testing.assert_allclose(variable.numpy(), expected, atol=1e-5)


def test_clips_by_the_norm_of_all_gradients_together():
    variables = [keras.Variable(np.zeros(1), dtype="float32") for _ in range(2)]
    optimizer = BertAdamW(1.0, beta_1=0.0, beta_2=0.0, epsilon=1e6, global_clipnorm=1.0)

    # With this epsilon a step is the gradient divided by a million.
    optimizer.apply([np.array([3.0], "f4"), np.array([4.0], "f4")], variables)

    np.testing.assert_allclose(
        [-1e6 * v.numpy()[0] for v in variables], [0.6, 0.8], rtol=1e-3
    )


def test_biases_and_layer_norms_are_not_decayed():
    model = BertPretrainer(bert_size("tiny", vocab_size=30, max_position_embeddings=8))
    optimizer = make_optimizer(OptimizerConfig(), num_train_steps=20_000)
    optimizer.build(model.trainable_variables)

    decayed = {
        v.path for v in model.trainable_variables if optimizer._use_weight_decay(v.value)
    }

    expected = {
        v.path
        for v in model.trainable_variables
        if v.path.endswith(("kernel", "embeddings"))
    }
    assert decayed == expected
    assert len(decayed) == 3 + 2 * 6 + 1 + 2  # tables, layers, pooler, heads


def test_round_trip():
    optimizer = BertAdamW(0.01, beta_2=0.98, weight_decay=0.1)

    restored = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))

    assert restored.beta_2 == 0.98
    assert restored.weight_decay == 0.1
