"""From shards of pretraining examples to batches for `keras fit`.

    shards ──▶ order of (seed, epoch) ──▶ skip what was trained ──▶ batch ──▶ parse, mask

The order is a function of the seed and the epoch alone, so a run that resumes at a
step finds the very examples it would have had.
"""

import dataclasses
import functools
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from bert_tf.config import InputConfig, PretrainingDataConfig
from bert_tf.config.checks import require
from bert_tf.data.manifest import Manifest
from bert_tf.data.masking import Masker
from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.data.randomness import fold_in
from bert_tf.data.row_packing import pack_batch
from bert_tf.data.schema import Feature, masked_features, unmasked_features
from bert_tf.data.vocab import load_vocabulary

SHARDS_READ_AT_ONCE = 16
RECORDS_READ_AT_ONCE = 16  # of a shard: between threads, one by one takes twice as long
READ_BUFFER_BYTES = 1 << 20
# Numbers instead of AUTOTUNE, whose thread can keep the end of an iterator waiting for up
# to a minute (TensorFlow 2.21), at each evaluation and at the end of a run.
PARALLEL_CALLS = os.cpu_count() or 1
PREFETCHED_BATCHES = 8
LENGTH_STEP = 32  # tokens; batches of a bucket are as long as a multiple of it
_MASKS = np.uint64(0x6D61736B73)  # what the stream is for, unlike the seed's other uses


def check_masks(manifest: Manifest, config: InputConfig) -> None:
    """Raises UserError where another masking rate is asked for than the shards have."""
    require(
        manifest.config.masking == "dynamic" or not config.masked_lm_prob,
        "masked_lm_prob",
        f"0 for shards that are masked already, as in {manifest.data_dir}",
        config.masked_lm_prob,
        "set it to 0, or make them with --masking=dynamic",
    )


def train_dataset(
    manifest: Manifest, config: InputConfig, *, seed: int, first_step: int = 0
) -> tf.data.Dataset:
    """Endless shuffled batches of the train split.

    Args:
        manifest: of the data set.
        config: batch size over all replicas, shuffle buffer.
        seed: with the number of the epoch it decides the order, and dynamic masks.
        first_step: batches that are already trained on and are left out.

    Returns:
        A data set of `parse_masked`'s dictionaries, or of `row_packing.pack_rows`'s;
        every batch is full. From length buckets, batches are cut to their longest
        example, rounded up to a multiple of LENGTH_STEP.

    Raises:
        UserError: see `check_masks`.
    """
    check_masks(manifest, config)
    num_examples = manifest.num_examples("train")
    num_buckets = config.length_buckets
    first_group, num_skipped_of_group = divmod(first_step, num_buckets)
    group_size = num_buckets * config.train_batch_size
    first_epoch, num_skipped = divmod(first_group * group_size, num_examples)
    read_epoch = functools.partial(
        _shuffled_records,
        manifest,
        buffer_size=min(config.shuffle_buffer_size, num_examples),
        seed=seed,
    )
    records = (
        tf.data.Dataset.range(first_epoch, tf.int64.max)
        .flat_map(read_epoch)
        .skip(num_skipped)
        .batch(group_size, drop_remainder=True)
    )
    if manifest.config.masking == "dynamic":
        parse = DynamicMasks(manifest, seed=seed, masked_lm_prob=config.masked_lm_prob)
    else:
        parse = functools.partial(_drop_epochs, manifest)
    batches = records.map(parse, num_parallel_calls=PARALLEL_CALLS)
    if config.packing:
        batches = batches.map(pack_batch, num_parallel_calls=PARALLEL_CALLS)
    if num_buckets > 1:
        batches = _by_length(
            batches, num_buckets=num_buckets, seed=seed, first_group=first_group
        ).skip(num_skipped_of_group)
    return _finish(batches)


def eval_dataset(manifest: Manifest, *, batch_size: int) -> tf.data.Dataset:
    """Batches of the held-out split, once, in the order of the shards.

    Args:
        manifest: of the data set.
        batch_size: over all replicas; the last batch may be smaller.

    Returns:
        A data set of `parse_masked`'s dictionaries: held-out examples always have the
        masks of their shards.
    """
    records = tf.data.TFRecordDataset(
        manifest.split_paths("held_out"), **_reader_options(manifest)
    )
    num_batches = math.ceil(manifest.num_examples("held_out") / batch_size)
    parse = functools.partial(parse_masked, config=manifest.config)
    batches = records.batch(batch_size).map(parse, num_parallel_calls=PARALLEL_CALLS)
    # `fit` then knows when to stop.
    return _finish(batches.apply(tf.data.experimental.assert_cardinality(num_batches)))


def parse_masked(
    serialized: tf.Tensor, config: PretrainingDataConfig
) -> dict[str, tf.Tensor]:
    """Parses a batch of masked tf.Examples of either set of feature names.

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
        config: of the data set; tells the lengths and the names of the features.

    Returns:
        The dictionary above, the last entry only for data sets of pairs.
    """
    return _parse(serialized, config, masked_features)


class DynamicMasks:
    """Parses unmasked examples and hides tokens, others in each epoch.

    Args:
        manifest: of the data set.
        seed: of the draws.
        masked_lm_prob: share of tokens to predict, the maximum of an example rising with
            it; 0 for the data set's own.
    """

    def __init__(self, manifest: Manifest, *, seed: int, masked_lm_prob: float = 0.0):
        config = manifest.config
        if masked_lm_prob:
            factor = masked_lm_prob / config.masked_lm_prob
            config = dataclasses.replace(
                config,
                masked_lm_prob=masked_lm_prob,
                max_predictions_per_seq=math.ceil(
                    factor * config.max_predictions_per_seq
                ),
            )
        self._config = config
        self._vocabulary = load_vocabulary(manifest.vocab_path)
        self._masker = Masker(config, self._vocabulary)
        self._seed = fold_in(np.uint64(seed), _MASKS)

    def __call__(self, serialized: tf.Tensor, epochs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Parses and masks a batch.

        Args:
            serialized: string [B].
            epochs: int64 [B]; with the seed and an example's key they decide its masks.

        Returns:
            The dictionary of `parse_masked`.
        """
        config = self._config
        parsed = _parse(serialized, config, unmasked_features)
        rows = parsed["input_word_ids"]
        lengths = rows.row_lengths()
        input_ids, positions, labels, num_predictions = tf.numpy_function(
            self._mask,
            [
                rows.to_tensor(
                    self._vocabulary.pad_id, shape=[None, config.max_seq_length]
                ),
                lengths,
                parsed["example_key"],
                epochs,
            ],
            (tf.int32, tf.int32, tf.int32, tf.int64),
            stateful=False,
        )
        num_rows = serialized.shape[0]
        mask = tf.sequence_mask(lengths, config.max_seq_length, tf.int32)
        is_first = tf.sequence_mask(
            parsed["second_segment_start"], config.max_seq_length, tf.int32
        )
        batch = {
            "input_word_ids": tf.ensure_shape(input_ids, [num_rows, mask.shape[1]]),
            "input_mask": mask,
            "input_type_ids": mask - is_first,
            "masked_lm_positions": positions,
            "masked_lm_ids": labels,
            "masked_lm_weights": tf.sequence_mask(
                num_predictions, config.max_predictions_per_seq, tf.float32
            ),
        }
        for name in ("masked_lm_positions", "masked_lm_ids", "masked_lm_weights"):
            batch[name] = tf.ensure_shape(
                batch[name], [num_rows, config.max_predictions_per_seq]
            )
        if config.next_sentence:
            batch["next_sentence_labels"] = parsed["next_sentence_labels"]
        return batch

    def _mask(
        self,
        input_ids: np.ndarray,
        lengths: np.ndarray,
        keys: np.ndarray,
        epochs: np.ndarray,
    ) -> tuple[np.ndarray, ...]:
        streams = fold_in(
            fold_in(self._seed, keys.view(np.uint64)), epochs.view(np.uint64)
        )
        masked = self._masker.mask(input_ids, lengths, streams)
        return (
            masked.input_ids,
            masked.positions,
            masked.labels,
            masked.num_predictions,
        )


def _drop_epochs(
    manifest: Manifest, serialized: tf.Tensor, epochs: tf.Tensor
) -> dict[str, tf.Tensor]:
    del epochs  # the masks are in the shards
    return parse_masked(serialized, manifest.config)


def _parse(
    serialized: tf.Tensor,
    config: PretrainingDataConfig,
    features_of: Callable[[PretrainingDataConfig], tuple[Feature, ...]],
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Parses features, ids to int32, under the names that models know them by."""
    written = features_of(config)
    # The model's names for the same features in the same order.
    read = features_of(dataclasses.replace(config, feature_names="model_garden"))
    parsed = tf.io.parse_example(
        serialized, {feature.name: _parsing_spec(feature) for feature in written}
    )
    batch = {}
    for ours, theirs in zip(read, written, strict=True):
        values = parsed[theirs.name]
        if theirs.dtype == "int64" and ours.name != "example_key":
            values = tf.cast(values, tf.int32)
        batch[ours.name] = tf.squeeze(values, axis=1) if ours.shape == (1,) else values
    return batch


def _parsing_spec(
    feature: Feature,
) -> tf.io.FixedLenFeature | tf.io.RaggedFeature:
    dtype = tf.as_dtype(feature.dtype)
    if feature.shape:
        return tf.io.FixedLenFeature(feature.shape, dtype)
    return tf.io.RaggedFeature(dtype, row_splits_dtype=tf.int64)


def _reader_options(manifest: Manifest) -> dict[str, Any]:
    return {
        "buffer_size": READ_BUFFER_BYTES,
        "compression_type": "GZIP" if manifest.config.gzip_compress else None,
    }


def _shuffled_records(
    manifest: Manifest, epoch: tf.Tensor, *, buffer_size: int, seed: int
) -> tf.data.Dataset:
    """The serialized examples of an epoch, each with the epoch's number."""
    paths = manifest.split_paths("train")
    # In flat_map this is the seed of its graph alone. It keeps a program's global seed,
    # with which `shuffle` would mix its own, from having a say in the order.
    tf.random.set_seed(1)
    epoch_seed = tf.random.experimental.stateless_fold_in(
        tf.constant([seed, 0], tf.int64), epoch
    )
    shuffled_paths = tf.random.experimental.stateless_shuffle(
        tf.constant(paths), seed=epoch_seed
    )
    num_open = min(SHARDS_READ_AT_ONCE, len(paths))
    records = tf.data.Dataset.from_tensor_slices(shuffled_paths).interleave(
        lambda path: tf.data.TFRecordDataset(path, **_reader_options(manifest)),
        cycle_length=num_open,
        block_length=RECORDS_READ_AT_ONCE,
        num_parallel_calls=min(PARALLEL_CALLS, num_open),
        deterministic=True,
    )
    shuffled = records.shuffle(
        buffer_size, seed=epoch_seed[0], reshuffle_each_iteration=False
    )
    # Half the cost of a `map` that would do the same for each record.
    return tf.data.Dataset.zip(shuffled, tf.data.Dataset.from_tensors(epoch).repeat())


def _by_length(
    groups: tf.data.Dataset, *, num_buckets: int, seed: int, first_group: int
) -> tf.data.Dataset:
    """Batches of examples that are about as long, from groups of so many batches.

    Which examples a step has follows from its number still: groups are next to each
    other, and the order of a group's batches is a function of the seed and its number.
    """

    def sort(group, examples):
        lengths = tf.reduce_sum(examples["input_mask"], axis=1)
        order = tf.reshape(tf.argsort(lengths, stable=True), [num_buckets, -1])
        order = tf.random.experimental.stateless_shuffle(
            order, seed=tf.stack([tf.cast(seed, tf.int64), group])
        )
        return {name: tf.gather(values, order) for name, values in examples.items()}

    def cut(batch):
        longest = tf.reduce_max(tf.reduce_sum(batch["input_mask"], axis=1))
        length = -(-longest // LENGTH_STEP) * LENGTH_STEP
        return batch | {name: batch[name][:, :length] for name in ENCODER_INPUTS}

    return groups.enumerate(first_group).map(sort).unbatch().map(cut)


def _finish(batches: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False
    # Each worker and replica takes its part of every batch, not a part of the files:
    # the batches are then the same on any number of them.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return batches.prefetch(PREFETCHED_BATCHES).with_options(options)
