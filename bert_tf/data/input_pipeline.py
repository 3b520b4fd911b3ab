"""From shards of pretraining examples to batches for `keras fit`.

    shards ──▶ order of (seed, epoch) ──▶ skip what was trained ──▶ batch ──▶ parse

The order is a function of the seed and the epoch alone, so a run that resumes at a
step finds the very examples it would have had.
"""

import dataclasses
import functools
import math

import tensorflow as tf

from bert_tf.config import InputConfig
from bert_tf.data.manifest import Manifest
from bert_tf.data.schema import pretraining_features

SHARDS_READ_AT_ONCE = 16
READ_BUFFER_BYTES = 1 << 20


def train_dataset(
    manifest: Manifest, config: InputConfig, *, seed: int, first_step: int = 0
) -> tf.data.Dataset:
    """Endless shuffled batches of the train split.

    Args:
        manifest: of the data set.
        config: batch size over all replicas, shuffle buffer.
        seed: with the number of the epoch it decides the order.
        first_step: batches that are already trained on and are left out.

    Returns:
        A data set of `parse_examples`' dictionaries; every batch is full.
    """
    num_examples = manifest.num_examples("train")
    first_epoch, num_skipped = divmod(first_step * config.train_batch_size, num_examples)
    read_epoch = functools.partial(
        _shuffled_records,
        manifest.split_paths("train"),
        buffer_size=min(config.shuffle_buffer_size, num_examples),
        seed=seed,
    )
    records = (
        tf.data.Dataset.range(first_epoch, tf.int64.max)
        .flat_map(read_epoch)
        .skip(num_skipped)
        .batch(config.train_batch_size, drop_remainder=True)
    )
    return _finish(records, manifest)


def eval_dataset(manifest: Manifest, *, batch_size: int) -> tf.data.Dataset:
    """Batches of the held-out split, once, in the order of the shards.

    Args:
        manifest: of the data set.
        batch_size: over all replicas; the last batch may be smaller.

    Returns:
        A data set of `parse_examples`' dictionaries.
    """
    records = tf.data.TFRecordDataset(
        manifest.split_paths("held_out"), buffer_size=READ_BUFFER_BYTES
    )
    num_batches = math.ceil(manifest.num_examples("held_out") / batch_size)
    batches = records.batch(batch_size)
    return _finish(
        # `fit` then knows when to stop.
        batches.apply(tf.data.experimental.assert_cardinality(num_batches)),
        manifest,
    )


def parse_examples(serialized: tf.Tensor, manifest: Manifest) -> dict[str, tf.Tensor]:
    """Parses a batch of tf.Examples of either set of feature names.

    For max_seq_length 8 and max_predictions_per_seq 2, one of the B rows is:

        input_word_ids       [2, 7, 4, 3, 9, 5, 3, 0]   int32 [B, 8]
        input_mask           [1, 1, 1, 1, 1, 1, 1, 0]   int32 [B, 8]
        input_type_ids       [0, 0, 0, 0, 1, 1, 1, 0]   int32 [B, 8]
        masked_lm_positions  [2, 0]                     int32 [B, 2]
        masked_lm_ids        [8, 0]                     int32 [B, 2]
        masked_lm_weights    [1., 0.]                   float32 [B, 2]
        next_sentence_labels 1                          int32 [B], 1 = random

    Args:
        serialized: string [B].
        manifest: tells the lengths and the names of the features.

    Returns:
        The dictionary above.
    """
    written = pretraining_features(manifest.config)
    # The model's names for the same features in the same order.
    read = pretraining_features(
        dataclasses.replace(manifest.config, feature_names="model_garden")
    )
    parsed = tf.io.parse_example(
        serialized,
        {
            feature.name: tf.io.FixedLenFeature(feature.shape, tf.as_dtype(feature.dtype))
            for feature in written
        },
    )
    batch = {}
    for ours, theirs in zip(read, written, strict=True):
        values = parsed[theirs.name]
        batch[ours.name] = tf.cast(
            values, tf.int32 if values.dtype == tf.int64 else values.dtype
        )
    batch["next_sentence_labels"] = tf.squeeze(batch["next_sentence_labels"], axis=1)
    return batch


def _shuffled_records(
    paths: list[str], epoch: tf.Tensor, *, buffer_size: int, seed: int
) -> tf.data.Dataset:
    # In flat_map this is the seed of its graph alone. It keeps a program's global seed,
    # with which `shuffle` would mix its own, from having a say in the order.
    tf.random.set_seed(1)
    epoch_seed = tf.random.experimental.stateless_fold_in(
        tf.constant([seed, 0], tf.int64), epoch
    )
    shuffled_paths = tf.random.experimental.stateless_shuffle(
        tf.constant(paths), seed=epoch_seed
    )
    records = tf.data.Dataset.from_tensor_slices(shuffled_paths).interleave(
        lambda path: tf.data.TFRecordDataset(path, buffer_size=READ_BUFFER_BYTES),
        cycle_length=min(SHARDS_READ_AT_ONCE, len(paths)),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    return records.shuffle(
        buffer_size, seed=epoch_seed[0], reshuffle_each_iteration=False
    )


def _finish(batches: tf.data.Dataset, manifest: Manifest) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = True
    # Each worker and replica takes its part of every batch, not a part of the files:
    # the batches are then the same on any number of them.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return (
        batches.map(
            functools.partial(parse_examples, manifest=manifest),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options)
    )
