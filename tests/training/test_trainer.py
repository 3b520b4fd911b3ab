"""The step of training, and its private hooks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import BertConfig
from bert_tf.data.row_packing import pack_batch
from bert_tf.modeling.models import BertPretrainer
from bert_tf.tasks import pretraining
from bert_tf.training.optimizer import FIRST_LOSS_SCALE
from bert_tf.training.strategy import make_strategy
from bert_tf.training.trainer import WEIGHT_EPSILON, Trainer
from tests.training import ten_steps

CONFIG = ten_steps.CONFIG


def with_fields(**fields):
    return BertConfig(**vars(CONFIG) | fields)


def test_metrics_are_means_over_all_weights():
    """Against sums over the whole data at once, with the weights left alone."""
    trainer = ten_steps.build(make_strategy("none"), "adamw")
    everything = ten_steps.make_batches().unbatch().batch(ten_steps.NUM_EXAMPLES)
    everything = next(iter(everything))

    held_out = trainer.evaluate(ten_steps.make_batches(), return_dict=True, verbose=0)

    sums = pretraining.weighted_sums(trainer.model(everything), everything)
    for name, (total, weight) in sums.items():
        assert held_out[name] == pytest.approx(float(total / weight), abs=1e-5)


def test_first_step_is_the_papers_update():
    """AdamW by hand on the gradients of the global loss, clipped all together."""
    keras.utils.set_random_seed(1)
    model = BertPretrainer(CONFIG)
    batch = next(iter(ten_steps.make_batches()))
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

    trainer = Trainer(model, pretraining, seed=3)
    trainer.compile(
        ten_steps.AdamW(
            0.1,
            bias_correction=False,
            # Else a gradient of 1e-9, which is another on each processor, is a step.
            epsilon=1e-3,
            global_clipnorm=0.5,
            weight_decay=0.01,
        )
    )
    trainer.fit(tf.data.Dataset.from_tensors(batch), epochs=1, verbose=0, shuffle=False)

    for variable, old, gradient in zip(
        model.trainable_variables, before, gradients, strict=True
    ):
        is_decayed = not ("bias" in variable.path or "layer_norm" in variable.path)
        mean, mean_square = 0.1 * gradient, 0.001 * gradient**2
        step = mean / (np.sqrt(mean_square) + 1e-3) + (0.01 if is_decayed else 0) * old
        np.testing.assert_allclose(variable.numpy(), old - 0.1 * step, atol=2e-6)


def test_dropout_differs_by_step_and_repeats_by_seed():
    def losses():
        found = ten_steps.train(
            "none",
            "adamw",
            config=with_fields(hidden_dropout_prob=0.3),
            learning_rate=1e-9,
        )
        return found["train/masked_lm_loss"].tolist()

    first, second = losses(), losses()

    assert first == second
    assert first[0] != pytest.approx(first[1], abs=1e-4)  # the weights hardly move


def test_replicas_and_microbatches_draw_different_dropout():
    strategy = make_strategy("mirrored")
    trainer = ten_steps.build(strategy, "adamw")
    results = strategy.run(
        lambda: [trainer._dropout_seed(microbatch) for microbatch in range(2)]
    )
    seeds = [
        tuple(seed.numpy())
        for result in results
        for seed in strategy.experimental_local_results(result)
    ]

    assert len(set(seeds)) == 4


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains(policy):
    trainer = ten_steps.build(
        make_strategy("none"),
        "adamw",
        config=with_fields(dtype_policy=policy),
        learning_rate=1e-2,
        dynamic_loss_scale=policy == "mixed_float16",
    )

    history = trainer.fit(ten_steps.make_batches(), epochs=8, verbose=0, shuffle=False)

    losses = history.history["masked_lm_loss"]
    assert losses[-1] < losses[0] - 0.1


@pytest.mark.parametrize("strategy", ["none", "mirrored"])
def test_an_overflow_on_one_replica_is_one_on_all(strategy):
    """It changes nothing but the loss scale and the number of the step."""
    trainer = ten_steps.build(make_strategy(strategy), "adamw", dynamic_loss_scale=True)
    before = ten_steps.weights_of(trainer)
    plain = pretraining.weighted_sums

    class Overflowing:
        loss_weights = staticmethod(pretraining.loss_weights)

        @staticmethod
        def weighted_sums(outputs, batch):
            sums = plain(outputs, batch)
            total, weight = sums["masked_lm_loss"]
            # In the gradient of the last replica alone.
            replica = tf.distribute.get_replica_context()
            is_last = replica.replica_id_in_sync_group == replica.num_replicas_in_sync - 1
            factor = tf.where(is_last, np.inf, 1.0)
            sums["masked_lm_loss"] = (total * factor, weight)
            return sums

    batches = ten_steps.make_batches().take(3)
    trainer.objective = Overflowing
    history = trainer.fit(batches, epochs=1, verbose=0, shuffle=False).history

    assert np.isfinite(history["gradient_norm"]).all()
    for name, value in ten_steps.weights_of(trainer).items():
        np.testing.assert_array_equal(value, before[name])
    variables = {v.path: v.numpy() for v in trainer.optimizer.variables}
    assert variables.pop("optimizer/loss_scale") == FIRST_LOSS_SCALE / 8
    assert variables.pop("optimizer/iteration") == 3
    assert all(np.all(v == 0) for name, v in variables.items() if "adam" in name)


def test_the_loss_scale_does_not_change_what_is_learnt():
    plain, scaled = (
        ten_steps.train("none", "adamw", dynamic_loss_scale=is_scaled)
        for is_scaled in (False, True)
    )
    for name, value in plain.items():
        np.testing.assert_allclose(scaled[name], value, atol=1e-5)


def test_waiting_for_input_is_told_apart():
    def slowly(batch):
        tf.py_function(lambda: __import__("time").sleep(0.2), [], [])
        return batch

    trainer = ten_steps.build(make_strategy("none"), "adamw")
    trainer.fit(ten_steps.make_batches().map(slowly), epochs=1, verbose=0, shuffle=False)
    assert 0.5 < trainer.input_seconds <= trainer.seconds
    tokens, rows = trainer.totals.sums["tokens_per_row"]
    assert rows == ten_steps.NUM_EXAMPLES - ten_steps.BATCH_SIZE  # not the first step
    assert 6 * rows <= tokens <= 12 * rows


@pytest.mark.parametrize(
    ("layer_norm", "strategy", "num_microbatches"),
    [("post", "none", 1), ("pre", "mirrored", 2)],
)
def test_packed_rows_teach_the_same(layer_norm, strategy, num_microbatches):
    """Ten steps; losses and weights of unpacked batches within 1e-5."""
    config = with_fields(layer_norm=layer_norm)
    plain = ten_steps.train("none", "adamw", config=config)
    packed = ten_steps.train(
        strategy,
        "adamw",
        config=config,
        num_microbatches=num_microbatches,
        transform=pack_batch,
    )
    assert plain.keys() == packed.keys()
    for name, value in plain.items():
        np.testing.assert_allclose(packed[name], value, atol=1e-5, err_msg=name)
