import collections

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import InputConfig
from bert_tf.data import input_pipeline
from bert_tf.data.input_pipeline import eval_dataset, train_dataset
from bert_tf.data.packing import ENCODER_INPUTS
from tests.made_data import VOCABULARY, write_data_set, write_unmasked

NUM_TRAIN = 64


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_data_set(tmp_path_factory.mktemp("data"), num_train=NUM_TRAIN)


def config(batch_size=10, buffer_size=16, **fields):
    return InputConfig(
        data_dir="unused",
        train_batch_size=batch_size,
        shuffle_buffer_size=buffer_size,
        **fields,
    )


def take(dataset, num_batches):
    return [
        {name: values.numpy() for name, values in batch.items()}
        for batch in dataset.take(num_batches)
    ]


def assert_equal(first, second):
    assert len(first) == len(second)
    for one, two in zip(first, second, strict=True):
        assert one.keys() == two.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])


def rows(batches):
    return [row.tobytes() for batch in batches for row in batch["input_word_ids"]]


def test_shapes_and_dtypes(manifest):
    spec = train_dataset(manifest, config(), seed=0).element_spec

    assert {name: (s.shape.as_list()[1:], s.dtype) for name, s in spec.items()} == {
        "input_word_ids": ([16], tf.int32),
        "input_mask": ([16], tf.int32),
        "input_type_ids": ([16], tf.int32),
        "masked_lm_positions": ([2], tf.int32),
        "masked_lm_ids": ([2], tf.int32),
        "masked_lm_weights": ([2], tf.float32),
        "next_sentence_labels": ([], tf.int32),
    }


def test_original_names_give_the_same_batches(manifest, tmp_path):
    original = write_data_set(tmp_path, num_train=NUM_TRAIN, feature_names="original")

    assert_equal(
        take(train_dataset(manifest, config(), seed=0), 3),
        take(train_dataset(original, config(), seed=0), 3),
    )


def test_epochs_hold_every_example_once_in_other_orders(manifest):
    batches = take(train_dataset(manifest, config(16), seed=0), 8)

    first, second = rows(batches[:4]), rows(batches[4:])
    assert collections.Counter(first) == collections.Counter(second)
    assert len(first) == NUM_TRAIN
    assert first != second


@pytest.mark.parametrize("length_buckets", [1, 4])
@pytest.mark.parametrize("first_step", [1, 6, 7, 13, 40])
def test_resuming_gives_the_batches_there_would_have_been(
    manifest, first_step, length_buckets
):
    """A batch of 10 does not divide 64, so steps fall on either side of epochs."""
    of_run = config(length_buckets=length_buckets)
    uninterrupted = take(train_dataset(manifest, of_run, seed=5), first_step + 3)

    resumed = take(train_dataset(manifest, of_run, seed=5, first_step=first_step), 3)

    assert_equal(uninterrupted[first_step:], resumed)


def test_length_buckets_hold_the_same_examples_with_less_padding(manifest, monkeypatch):
    monkeypatch.setattr(input_pipeline, "LENGTH_STEP", 2)
    plain = take(train_dataset(manifest, config(8), seed=0), 8)
    batches = take(train_dataset(manifest, config(8, length_buckets=4), seed=0), 8)

    def examples(batches):
        for batch in batches:
            for row, mask in enumerate(batch["input_mask"]):
                yield (
                    *(batch[name][row][mask > 0].tobytes() for name in ENCODER_INPUTS),
                    *(
                        v[row].tobytes()
                        for k, v in batch.items()
                        if k not in ENCODER_INPUTS
                    ),
                )

    for group in (slice(0, 4), slice(4, 8)):
        assert collections.Counter(examples(plain[group])) == collections.Counter(
            examples(batches[group])
        )
        lengths = [batch["input_mask"].shape[1] for batch in batches[group]]
        assert lengths != sorted(lengths)
    for batch in batches:
        num_tokens = batch["input_mask"].sum(1)
        assert {v.shape[1] for k, v in batch.items() if k in ENCODER_INPUTS} == {
            num_tokens.max() + num_tokens.max() % 2
        }
    padding, plain_padding = (
        sum((batch["input_mask"] == 0).sum() for batch in found)
        for found in (batches, plain)
    )
    assert padding < 0.5 * plain_padding


def test_seed_decides_the_order_and_the_global_seed_does_not(manifest):
    def first_batches(seed, global_seed):
        tf.random.set_seed(global_seed)
        return rows(take(train_dataset(manifest, config(), seed=seed), 2))

    assert first_batches(1, 0) == first_batches(1, 99)
    assert first_batches(1, 0) != first_batches(2, 0)


@pytest.mark.parametrize("is_train", [True, False])
def test_no_thread_tunes_what_reads(manifest, is_train):
    """It would keep an iterator from ending for up to a minute, now and then."""
    dataset = (
        train_dataset(manifest, config(), seed=0)
        if is_train
        else eval_dataset(manifest, batch_size=10)
    )

    assert dataset.options().autotune.enabled is False


def test_eval_reads_all_once_in_order(manifest):
    dataset = eval_dataset(manifest, batch_size=10)
    batches = take(dataset, 100)

    assert [len(batch["input_mask"]) for batch in batches] == [10, 10, 4]
    assert dataset.cardinality() == 3
    assert_equal(batches, take(eval_dataset(manifest, batch_size=10), 100))


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "gzip"])
def dynamic(request, tmp_path_factory):
    """A data set without masks, and the ids of its examples as they were."""
    return write_unmasked(tmp_path_factory.mktemp("dynamic"), gzip=request.param)


def unmask(batch):
    """The ids of each row as they were."""
    ids = batch["input_word_ids"].copy()
    for row, positions, labels, weights in zip(
        ids,
        batch["masked_lm_positions"],
        batch["masked_lm_ids"],
        batch["masked_lm_weights"],
        strict=True,
    ):
        row[positions[weights > 0]] = labels[weights > 0]
    return ids


def test_dynamic_masks_differ_by_epoch_and_hide_the_same_examples(dynamic):
    manifest, originals = dynamic
    num_train = manifest.num_examples("train")
    first, second = take(train_dataset(manifest, config(num_train), seed=0), 2)
    for batch in (first, second):
        assert {row.tobytes() for row in unmask(batch)} == originals
        length = batch["input_mask"].sum(axis=1, keepdims=True)
        place = np.arange(16)
        np.testing.assert_array_equal(batch["input_mask"], place < length)
        # Segments follow from where the [SEP]s are.
        is_sep = unmask(batch) == VOCABULARY.sep_id
        np.testing.assert_array_equal(
            batch["input_type_ids"],
            (is_sep.cumsum(axis=1) - is_sep == 1) & (place < length),
        )

    def masks(batch):
        return {
            original.tobytes(): masked.tobytes()
            for original, masked in zip(
                unmask(batch), batch["input_word_ids"], strict=True
            )
        }

    different = [key for key, ids in masks(first).items() if masks(second)[key] != ids]
    assert len(different) > num_train / 2
    (other,) = take(train_dataset(manifest, config(num_train), seed=1), 1)
    assert masks(other) != masks(first)


@pytest.mark.parametrize("first_step", [1, 7, 13])
def test_resuming_gives_the_dynamic_masks_there_would_have_been(dynamic, first_step):
    manifest, _ = dynamic
    uninterrupted = take(train_dataset(manifest, config(), seed=5), first_step + 3)
    resumed = take(train_dataset(manifest, config(), seed=5, first_step=first_step), 3)
    assert_equal(uninterrupted[first_step:], resumed)


def test_dynamic_batches_have_the_same_shapes_and_static_held_out_examples(
    manifest, dynamic
):
    unmasked, _ = dynamic
    spec = train_dataset(unmasked, config(), seed=0).element_spec
    assert spec == train_dataset(manifest, config(), seed=0).element_spec
    (one,) = take(eval_dataset(unmasked, batch_size=100), 1)
    (two,) = take(eval_dataset(unmasked, batch_size=100), 1)
    assert_equal([one], [two])
    assert (one["masked_lm_weights"].sum(axis=1) > 0).all()


def test_masked_positions_point_at_masks(manifest):
    batch = take(eval_dataset(manifest, batch_size=24), 1)[0]

    masked = np.take_along_axis(
        batch["input_word_ids"], batch["masked_lm_positions"], axis=1
    )
    assert (masked[batch["masked_lm_weights"] > 0] == VOCABULARY.mask_id).all()
    assert (batch["masked_lm_ids"][batch["masked_lm_weights"] == 0] == 0).all()
