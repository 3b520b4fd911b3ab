"""Ten steps and an evaluation on made batches, the last of which is partial.

Called by tests in their own process, and run as a program by each of several workers:

    TF_CONFIG=... python -m tests.training.ten_steps multi_worker sgd 1 output.npz
"""

import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bert_tf.config import BertConfig
from bert_tf.modeling.models import BertPretrainer
from bert_tf.tasks import pretraining
from bert_tf.training.optimizer import AdamW, Lamb, SummedGradientsOptimizer
from bert_tf.training.schedules import LinearWarmupDecay
from bert_tf.training.strategy import make_strategy
from bert_tf.training.trainer import Trainer

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
NUM_EXAMPLES, BATCH_SIZE = 17, 4  # the last batch holds one: a replica gets none
METRICS = (
    "masked_lm_loss",
    "masked_lm_accuracy",
    "next_sentence_loss",
    "next_sentence_accuracy",
)


class Sgd(SummedGradientsOptimizer):
    """The plainest one."""

    def update(
        self, gradient, variable, slots, *, learning_rate, weight_decay, is_finite
    ):
        variable.assign_sub(learning_rate * gradient)


def make_batches() -> tf.data.Dataset:
    """Batches of random examples."""
    rng = np.random.default_rng(0)
    size = CONFIG.vocab_size
    examples = {
        "input_word_ids": rng.integers(5, size, (NUM_EXAMPLES, 12)),
        "input_mask": (np.arange(12) < rng.integers(6, 13, (NUM_EXAMPLES, 1))),
        "input_type_ids": rng.integers(0, 2, (NUM_EXAMPLES, 12)),
        "masked_lm_positions": rng.integers(0, 6, (NUM_EXAMPLES, 3)),
        "masked_lm_ids": rng.integers(5, size, (NUM_EXAMPLES, 3)),
        "next_sentence_labels": rng.integers(0, 2, NUM_EXAMPLES),
    }
    examples = {name: values.astype("int32") for name, values in examples.items()}
    # Weights so unlike that a mean of the replicas' means is far off.
    weights = np.arange(3) < rng.integers(0, 4, (NUM_EXAMPLES, 1))
    examples["masked_lm_weights"] = weights.astype("float32")
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return (
        tf.data.Dataset.from_tensor_slices(examples)
        .batch(BATCH_SIZE)
        .with_options(options)
    )


def make_optimizer(name: str, *, learning_rate: float | None = None, **kwargs: Any):
    """With warm-up and clipping, as in a run."""
    learning_rate = learning_rate or (0.1 if name == "sgd" else 1e-3)
    schedule = LinearWarmupDecay(learning_rate, warmup_steps=2, num_steps=100)
    build = {"sgd": Sgd, "adamw": AdamW, "lamb": Lamb}[name]
    return build(
        schedule,
        **{"global_clipnorm": 0.5, "weight_decay": 0.01, "name": "optimizer"} | kwargs,
    )


def build(
    strategy: tf.distribute.Strategy,
    optimizer: SummedGradientsOptimizer | str,
    *,
    config: BertConfig = CONFIG,
    num_microbatches: int = 1,
    **kwargs: Any,
) -> Trainer:
    """A compiled trainer."""
    keras.utils.set_random_seed(1)
    with strategy.scope():
        trainer = Trainer(
            BertPretrainer(config),
            pretraining,
            seed=3,
            num_microbatches=num_microbatches,
        )
        trainer.compile(make_optimizer(optimizer, **kwargs))
    return trainer


def weights_of(trainer: Trainer) -> dict[str, np.ndarray]:
    """By path."""
    return {v.path: v.numpy() for v in trainer.model.trainable_variables}


def train(
    strategy_name: str,
    optimizer: str,
    *,
    transform: Callable[[dict], dict] | None = None,
    **kwargs: Any,
) -> dict[str, np.ndarray]:
    """Weights by path, and means of both epochs (`train/`) and held out (`held_out/`)."""
    trainer = build(make_strategy(strategy_name), optimizer, **kwargs)
    batches = make_batches()
    if transform:
        batches = batches.map(transform)
    history = trainer.fit(batches, epochs=2, verbose=0, shuffle=False).history
    held_out = trainer.evaluate(batches, return_dict=True, verbose=0)
    return {
        **weights_of(trainer),
        **{f"train/{name}": np.array(history[name]) for name in METRICS},
        **{f"held_out/{name}": np.array(held_out[name]) for name in METRICS},
    }


if __name__ == "__main__":
    strategy_name, optimizer_name, microbatches, output = sys.argv[1:]
    found = train(strategy_name, optimizer_name, num_microbatches=int(microbatches))
    np.savez(output, **found)
