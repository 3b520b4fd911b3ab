"""Fine-tunes a pretrained encoder on SST-2, the same way whoever pretrained it.

    python -m benchmarks.pretraining.finetune TASK

TASK is a `Task` as JSON; the last line is the accuracy with each seed, as a JSON list.
What is classified is the mean of the last layer's vectors, because not all encoders have
learnt something at the first token.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from benchmarks.pretraining import sst2
from benchmarks.pretraining.job import MAX_SEQ_LENGTH, Task
from bert_tf.config import BertConfig, bert_size
from bert_tf.data.input_pipeline import LENGTH_STEP
from bert_tf.data.packing import pack_single
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import load_vocabulary
from bert_tf.modeling.checkpoints import hugging_face, keras_hub
from bert_tf.modeling.checkpoints.weight_names import to_ours
from bert_tf.modeling.encoder import BertEncoder
from bert_tf.training.schedules import LinearWarmupDecay

_BATCH_SIZE = 32
_LEARNING_RATE = 3e-4
_WARMUP_SHARE = 0.1
_LIBRARIES = {
    "bert_tf": None,
    "hugging_face": hugging_face.weight_names(),
    "keras_hub": keras_hub.NAMES,
}


def main() -> None:
    """Fine-tunes with each seed and prints the accuracies."""
    task = Task.from_arguments()
    train = sst2.sample(sst2.read(task.sst2, "train"), task.num_train_examples)
    dev = sst2.read(task.sst2, "dev")
    seeds = range(task.num_seeds)
    print(json.dumps([accuracy(task, train, dev, seed=seed) for seed in seeds]))


class Classifier(keras.Model):
    """An encoder, the mean of what it gives for the tokens, and a layer of two units."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.encoder = BertEncoder(config)
        self.dropout = keras.layers.Dropout(config.hidden_dropout_prob)
        self.classifier = keras.layers.Dense(2)

    def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Logits [B, 2]."""
        x_BSH = self.encoder(inputs, training=training)["sequence_output"]
        is_token_BS1 = tf.cast(inputs["input_mask"], x_BSH.dtype)[..., None]
        mean_BH = tf.reduce_sum(x_BSH * is_token_BS1, 1) / tf.reduce_sum(is_token_BS1, 1)
        return self.classifier(self.dropout(mean_BH, training=training))


def load(encoder: BertEncoder, path: str, library: str) -> None:
    """Assigns a library's weights; the pooler, which not all have, stays as it is."""
    with np.load(path) as arrays:
        weights = dict(arrays)
    names = _LIBRARIES[library]
    if names:
        weights, _ = to_ours(weights, names, encoder.config)
    for variable in encoder.variables:
        if not variable.path.startswith("bert/pooler/"):
            variable.assign(weights[variable.path])


def accuracy(task: Task, train: sst2.Examples, dev: sst2.Examples, *, seed: int) -> float:
    """Of a classifier on `dev`, when it has been trained on `train`."""
    keras.utils.set_random_seed(seed)
    tokenizer = BertTokenizer(load_vocabulary(task.vocab_file), lower_case=True)
    config = bert_size(
        task.size,
        vocab_size=len(tokenizer.vocabulary),
        max_position_embeddings=MAX_SEQ_LENGTH,
    )
    model = Classifier(config)
    if task.weights:
        load(model.encoder, task.weights, task.library)
    num_steps = task.num_epochs * (len(train.labels) // _BATCH_SIZE)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            LinearWarmupDecay(
                _LEARNING_RATE, round(_WARMUP_SHARE * num_steps), num_steps
            ),
            weight_decay=0.01,
            global_clipnorm=1.0,
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    shuffled = tf.data.Dataset.from_tensor_slices(tuple(train))
    shuffled = shuffled.shuffle(len(train.labels), seed=seed)
    train_batches = shuffled.batch(_BATCH_SIZE, drop_remainder=True)
    dev_batches = tf.data.Dataset.from_tensor_slices(tuple(dev)).batch(_BATCH_SIZE)

    def parse(sentences, labels):
        packed = pack_single(
            tokenizer.tokenize(sentences),
            tokenizer.vocabulary,
            max_seq_length=MAX_SEQ_LENGTH,
        )
        return {name: _lengthen(ids) for name, ids in packed.items()}, labels

    model.fit(train_batches.map(parse), epochs=task.num_epochs, verbose=0)
    return model.evaluate(dev_batches.map(parse), return_dict=True, verbose=0)["accuracy"]


def _lengthen(ids_BS: tf.Tensor) -> tf.Tensor:
    """Few lengths, since XLA compiles for each; what is added is padding."""
    return tf.pad(ids_BS, [[0, 0], [0, -tf.shape(ids_BS)[1] % LENGTH_STEP]])


if __name__ == "__main__":
    main()
