"""The step of training: equal on one and two replicas, and its private hooks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import BertConfig, OptimizerConfig
from bert_tf.modeling.models import BertPretrainer
from bert_tf.tasks import pretraining
from bert_tf.training.optimizer import make_optimizer
from bert_tf.training.strategy import make_strategy
from bert_tf.training.trainer import WEIGHT_EPSILON, Trainer

CONFIG = BertConfig(
    vocab_size=30,
    hidden_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=12,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    initializer_range=0.2,
)
NUM_EXAMPLES, BATCH_SIZE = 13, 4  # the last batch holds one: a replica gets none

METRIC_NAMES = pretraining.metric_names(next_sentence=True)


def make_batches():
    rng = np.random.default_rng(0)
    examples = {
        "input_word_ids": rng.integers(5, 30, (NUM_EXAMPLES, 12)),
        "input_mask": (np.arange(12) < rng.integers(6, 13, (NUM_EXAMPLES, 1))),
        "input_type_ids": rng.integers(0, 2, (NUM_EXAMPLES, 12)),
        "masked_lm_positions": rng.integers(0, 6, (NUM_EXAMPLES, 3)),
        "masked_lm_ids": rng.integers(5, 30, (NUM_EXAMPLES, 3)),
        "next_sentence_labels": rng.integers(0, 2, NUM_EXAMPLES),
    }
    examples = {name: values.astype("int32") for name, values in examples.items()}
    # Weights so unlike that a mean of the replicas' means is far off.
    weights = np.arange(3) < rng.integers(0, 4, (NUM_EXAMPLES, 1))
    examples["masked_lm_weights"] = weights.astype("float32")
    return tf.data.Dataset.from_tensor_slices(examples).batch(BATCH_SIZE)


def train(strategy_name, *, config=CONFIG, epochs=3, learning_rate=1e-2):
    keras.utils.set_random_seed(1)
    with make_strategy(strategy_name).scope():
        model = BertPretrainer(config)
        trainer = Trainer(model, pretraining.weighted_sums, seed=3)
        optimizer = make_optimizer(
            OptimizerConfig(learning_rate=learning_rate, warmup_steps=2, clip_norm=0.5),
            num_train_steps=100,
        )
        trainer.compile(optimizer, METRIC_NAMES)
    history = trainer.fit(make_batches(), epochs=epochs, verbose=0, shuffle=False)
    held_out = trainer.evaluate(make_batches(), return_dict=True, verbose=0)
    weights = {v.path: v.numpy() for v in model.trainable_variables}
    return weights, history.history, held_out


@pytest.fixture(scope="module")
def one_replica():
    return train("none")


@pytest.fixture(scope="module")
def two_replicas():
    assert make_strategy("mirrored").num_replicas_in_sync == 2
    return train("mirrored")


def test_two_replicas_learn_what_one_does(one_replica, two_replicas):
    for path, one in one_replica[0].items():
        # Softmax is blind to a key's bias: its gradient is rounding alone, and Adam
        # makes a step of whatever it is given.
        tolerance = 1e-3 if path.endswith("key/bias") else 1e-5
        np.testing.assert_allclose(one, two_replicas[0][path], atol=tolerance)


def test_two_replicas_report_what_one_does(one_replica, two_replicas):
    for name in METRIC_NAMES:
        np.testing.assert_allclose(one_replica[1][name], two_replicas[1][name], atol=1e-5)
        np.testing.assert_allclose(one_replica[2][name], two_replicas[2][name], atol=1e-5)


def test_metrics_are_means_over_all_weights():
    """Against sums over the whole data at once, with the weights left alone."""
    keras.utils.set_random_seed(1)
    model = BertPretrainer(CONFIG)
    trainer = Trainer(model, pretraining.weighted_sums, seed=3)
    optimizer = make_optimizer(OptimizerConfig(), num_train_steps=100)
    trainer.compile(optimizer, METRIC_NAMES)
    everything = next(iter(make_batches().unbatch().batch(NUM_EXAMPLES)))

    held_out = trainer.evaluate(make_batches(), return_dict=True, verbose=0)

    sums = pretraining.weighted_sums(model(everything), everything)
    for name, (total, weight) in sums.items():
        assert held_out[name] == pytest.approx(float(total / weight), abs=1e-5)


def test_first_step_is_the_papers_update():
    """AdamW by hand on the gradients of the global loss, clipped all together."""
    keras.utils.set_random_seed(1)
    model = BertPretrainer(CONFIG)
    batch = next(iter(make_batches()))
    before = [v.numpy() for v in model.trainable_variables]
    with tf.GradientTape() as tape:
        sums = pretraining.weighted_sums(model(batch), batch)
        loss = sum(
            sums[name][0] / (sums[name][1] + WEIGHT_EPSILON)
            for name in ("masked_lm_loss", "next_sentence_loss")
        )
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients, norm = tf.clip_by_global_norm(
        [tf.convert_to_tensor(gradient) for gradient in gradients], 0.5
    )
    assert norm > 0.5

    trainer = Trainer(model, pretraining.weighted_sums, seed=3)
    settings = OptimizerConfig(learning_rate=0.1, warmup_steps=0, clip_norm=0.5)
    trainer.compile(make_optimizer(settings, num_train_steps=100), METRIC_NAMES)
    trainer.fit(tf.data.Dataset.from_tensors(batch), epochs=1, verbose=0, shuffle=False)

    for variable, old, gradient in zip(
        model.trainable_variables, before, gradients, strict=True
    ):
        is_decayed = not ("bias" in variable.path or "layer_norm" in variable.path)
        mean, mean_square = 0.1 * gradient, 0.001 * gradient**2
        step = mean / (np.sqrt(mean_square) + 1e-6) + (0.01 if is_decayed else 0) * old
        np.testing.assert_allclose(variable.numpy(), old - 0.1 * step, atol=2e-5)


def test_dropout_differs_by_step_and_repeats_by_seed():
    config = BertConfig(**vars(CONFIG) | {"hidden_dropout_prob": 0.3})

    def losses():
        _, history, _ = train("none", config=config, epochs=2, learning_rate=1e-9)
        return history["masked_lm_loss"]

    first, second = losses(), losses()

    assert first == second
    assert first[0] != pytest.approx(first[1], abs=1e-4)  # the weights hardly move


def test_replicas_draw_different_dropout():
    class Recorder(Trainer):
        def train_step(self, batch):
            return {"seed": self._dropout_seed()}

    strategy = make_strategy("mirrored")
    with strategy.scope():
        model = BertPretrainer(CONFIG)
        trainer = Recorder(model, pretraining.weighted_sums, seed=3)
        optimizer = make_optimizer(OptimizerConfig(), num_train_steps=100)
        trainer.compile(optimizer, METRIC_NAMES)
    results = strategy.run(trainer.train_step, args=({},))["seed"]
    seeds = [tuple(seed.numpy()) for seed in strategy.experimental_local_results(results)]

    assert len(set(seeds)) == 2


def test_mixed_bfloat16_trains():
    config = BertConfig(**vars(CONFIG) | {"dtype_policy": "mixed_bfloat16"})

    _, history, _ = train("none", config=config, epochs=8)

    assert history["masked_lm_loss"][-1] < history["masked_lm_loss"][0] - 0.1
