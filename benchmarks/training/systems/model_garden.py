"""Model Garden's BERT pretrainer and optimizer, with the step of its masked-LM task.

    python -m benchmarks.training.systems.model_garden WORKLOAD

WORKLOAD is a `Workload` as JSON; the last line is a measurement as JSON. The step is that
of official/nlp/tasks/masked_lm.py, whose module imports a gigabyte of packages.
"""

import sys

import tensorflow as tf
import tf_keras
from official.nlp import optimization
from official.nlp.modeling import layers, models, networks

from benchmarks.training.workload import Batches, Stopwatch, Workload
from bert_tf.config import BertConfig


def main() -> None:
    """Trains and tells how fast."""
    workload = Workload.from_json(sys.argv[1])
    batches = Batches(workload)
    model = pretrainer(workload.model())
    optimizer = optimization.create_optimizer(
        1e-4, num_train_steps=1_000_000, num_warmup_steps=10_000
    )

    @tf.function
    def train_step(batch):
        with tf.GradientTape() as tape:
            loss = loss_of(model(batch, training=True), batch)
        gradients = tape.gradient(loss, model.trainable_variables)
        # Clips them to a global norm of 1.
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    stopwatch = Stopwatch(workload, batches)
    examples = tf.data.Dataset.from_tensor_slices(batches.arrays)
    data = examples.batch(workload.batch_size, drop_remainder=True).repeat()
    for batch in data.prefetch(tf.data.AUTOTUNE):
        train_step(batch).numpy()
        if stopwatch.step_done():
            break
    stopwatch.print_measurement()


def pretrainer(config: BertConfig) -> tf_keras.Model:
    """The encoder with both heads."""
    tf_keras.mixed_precision.set_global_policy(config.dtype_policy)
    initializer = tf_keras.initializers.TruncatedNormal(stddev=config.initializer_range)
    encoder = networks.BertEncoderV2(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        num_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads,
        max_sequence_length=config.max_position_embeddings,
        type_vocab_size=config.type_vocab_size,
        inner_dim=config.intermediate_size,
        output_dropout=config.hidden_dropout_prob,
        attention_dropout=config.attention_probs_dropout_prob,
    )
    return models.BertPretrainerV2(
        encoder,
        mlm_activation=lambda x: tf_keras.activations.gelu(x, approximate=True),
        mlm_initializer=initializer,
        classification_heads=[
            layers.ClassificationHead(
                inner_dim=config.hidden_size,
                num_classes=2,
                initializer=initializer,
                name="next_sentence",
            )
        ],
    )


def loss_of(outputs: dict[str, tf.Tensor], batch: dict[str, tf.Tensor]) -> tf.Tensor:
    """`MaskedLMTask.build_losses`."""
    masked_lm = tf_keras.losses.sparse_categorical_crossentropy(
        batch["masked_lm_ids"],
        tf.cast(outputs["mlm_logits"], tf.float32),
        from_logits=True,
    )
    next_sentence = tf_keras.losses.sparse_categorical_crossentropy(
        batch["next_sentence_labels"],
        tf.cast(outputs["next_sentence"], tf.float32),
        from_logits=True,
    )
    weights = batch["masked_lm_weights"]
    return tf.math.divide_no_nan(
        tf.reduce_sum(masked_lm * weights), tf.reduce_sum(weights)
    ) + tf.reduce_mean(next_sentence)


if __name__ == "__main__":
    main()
