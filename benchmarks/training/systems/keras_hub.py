"""KerasHub's BERT with its masked-LM head and a next-sentence head, under `fit`.

    python -m benchmarks.training.systems.keras_hub WORKLOAD [tuned]

WORKLOAD is a `Workload` as JSON; the last line is a measurement as JSON. Without XLA,
with which it is slower on CPUs. `tuned`: TensorFlow is told what ours tells it.
"""

import sys

from bert_tf.training import environment

if "tuned" in sys.argv:
    environment.set_up()  # before TensorFlow is imported

import keras
import keras_hub
import tensorflow as tf

from benchmarks.training.systems import keras_fit
from benchmarks.training.workload import Batches, Stopwatch, Workload
from bert_tf.config import BertConfig


def main() -> None:
    """Trains and tells how fast."""
    workload = Workload.from_json(sys.argv[1])
    batches = Batches(workload)
    model = pretrainer(workload.model())
    model.compile(
        optimizer=keras.optimizers.AdamW(1e-4, weight_decay=0.01, global_clipnorm=1.0),
        loss={
            name: keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            for name in model.output
        },
        jit_compile=False,
    )
    stopwatch = Stopwatch(workload, batches)
    data = keras_fit.dataset(workload, batches).map(for_fit)
    keras_fit.fit(model, data, stopwatch)
    stopwatch.print_measurement()


def pretrainer(config: BertConfig) -> keras.Model:
    """The backbone with both heads."""
    keras.config.set_dtype_policy(config.dtype_policy)
    backbone = library_backbone(config)
    positions = keras.Input((None,), dtype="int32", name="mask_positions")
    masked_lm = keras_hub.layers.MaskedLMHead(
        token_embedding=backbone.token_embedding,
        intermediate_activation="gelu",
        name="masked_lm",
    )
    next_sentence = keras.layers.Dense(2, dtype="float32", name="next_sentence")
    return keras.Model(
        {**backbone.input, "mask_positions": positions},
        {
            "masked_lm": masked_lm(backbone.output["sequence_output"], positions),
            "next_sentence": next_sentence(backbone.output["pooled_output"]),
        },
    )


def library_backbone(config: BertConfig) -> keras_hub.models.BertBackbone:
    """The library's own encoder."""
    return keras_hub.models.BertBackbone(
        vocabulary_size=config.vocab_size,
        num_layers=config.num_hidden_layers,
        num_heads=config.num_attention_heads,
        hidden_dim=config.hidden_size,
        intermediate_dim=config.intermediate_size,
        dropout=config.hidden_dropout_prob,
        max_sequence_length=config.max_position_embeddings,
    )


def for_fit(batch: dict) -> tuple[dict, dict, dict]:
    """Inputs, labels and weights, under KerasHub's names."""
    inputs = {
        "token_ids": batch["input_word_ids"],
        "padding_mask": batch["input_mask"],
        "segment_ids": batch["input_type_ids"],
        "mask_positions": batch["masked_lm_positions"],
    }
    labels = {
        "masked_lm": batch["masked_lm_ids"],
        "next_sentence": batch["next_sentence_labels"],
    }
    weights = {
        "masked_lm": batch["masked_lm_weights"],
        "next_sentence": tf.ones_like(batch["next_sentence_labels"]),
    }
    return inputs, labels, weights


if __name__ == "__main__":
    main()
