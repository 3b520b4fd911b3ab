"""Batches of rows that differ in length."""

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.training.row_batches import RowBatches, trim


def make_rows(lengths):
    return [
        {
            "input_word_ids": np.full(length, number, "int32"),
            "input_mask": np.ones(length, "int32"),
            "label": np.int32(number),
            "weight": np.float32(1),
        }
        for number, length in enumerate(lengths, start=1)
    ]


def batches_of(rows, epoch=0, **options):
    options = {"batch_size": 4, "pad_id": 99, "seed": 0} | options
    return list(RowBatches(rows, **options).epoch(epoch).as_numpy_iterator())


def test_rows_are_padded_to_a_multiple_and_batches_filled_up():
    batches = batches_of(make_rows([3, 40, 5, 6, 70]))

    assert [batch["label"].shape for batch in batches] == [(4,), (4,)]
    seen = {}
    for batch in batches:
        assert batch["input_word_ids"].shape == batch["input_mask"].shape
        assert batch["input_word_ids"].shape[1] in (16, 48, 70)
        for ids, mask, label, weight in zip(
            *(
                batch[name]
                for name in ("input_word_ids", "input_mask", "label", "weight")
            ),
            strict=True,
        ):
            assert set(ids[mask == 1]) == {label}
            assert set(ids[mask == 0]) <= {99}
            if weight:
                seen[label] = mask.sum()
    assert seen == {1: 3, 2: 40, 3: 5, 4: 6, 5: 70}


def test_parts_are_as_wide_as_their_longest_row():
    lengths = np.random.default_rng(0).permutation(np.repeat([8, 40, 100], 16))
    (batch,) = batches_of(make_rows(lengths), batch_size=48)

    parts = [
        trim(
            {
                name: tf.constant(values[start : start + 8])
                for name, values in batch.items()
            }
        )
        for start in range(0, 48, 8)
    ]

    assert [part["input_mask"].shape[1] for part in parts] == [16, 16, 48, 48, 100, 100]
    labels = np.concatenate([part["label"] for part in parts])
    assert sorted(labels) == list(range(1, 49))
    for part in parts:
        assert set(part) == set(make_rows([1])[0])
        for ids, mask, label in zip(
            part["input_word_ids"], part["input_mask"], part["label"], strict=True
        ):
            assert np.sum(mask) == lengths[label - 1]
            np.testing.assert_array_equal(ids, np.where(mask == 1, label, 99))


def test_each_array_has_its_own_width():
    rows = make_rows([9, 100])
    rows[0]["target_ids"], rows[1]["target_ids"] = np.ones(70), np.ones(8)
    (batch,) = batches_of(rows, batch_size=2)

    first = trim({name: tf.constant(values[:1]) for name, values in batch.items()})

    # Sorted by all that a row has.
    assert first["label"] == 1
    assert first["target_ids"].shape == (1, 70)
    assert first["input_word_ids"].shape == first["input_mask"].shape == (1, 16)


def test_batches_are_of_any_lengths():
    lengths = np.random.default_rng(0).permutation(np.repeat([8, 100], 64))

    batches = batches_of(make_rows(lengths), batch_size=32)

    num_long = [np.sum(batch["input_mask"].sum(axis=1) == 100) for batch in batches]
    assert all(4 < number < 28 for number in num_long)


@pytest.mark.parametrize(
    ("longest", "width"), [(16, 16), (17, 32), (129, 160), (200, 224), (300, 320)]
)
def test_lengths_are_few(longest, width):
    rows = make_rows([longest, longest, longest, longest, 1000])

    widths = {batch["input_mask"].shape[1] for batch in batches_of(rows)}

    assert widths == {width, 1000}


def test_the_order_is_the_epochs_and_the_seeds():
    rows = make_rows([5] * 40)
    orders = [
        np.concatenate([batch["label"] for batch in batches_of(rows, epoch, seed=seed)])
        for epoch, seed in ((0, 0), (0, 0), (1, 0), (0, 1))
    ]

    np.testing.assert_array_equal(orders[0], orders[1])
    for order in orders[2:]:
        assert (order != orders[0]).any()
        assert sorted(order) == list(range(1, 41))


def test_rows_of_choices():
    rows = [
        {
            "input_word_ids": np.ones(shape, "int32"),
            "input_mask": np.ones(shape, "int32"),
            "weight": np.float32(1),
        }
        for shape in ((4, 9), (3, 12))
    ]

    (batch,) = batches_of(rows, batch_size=2)

    assert batch["input_mask"].shape == (2, 4, 12)
    assert batch["input_mask"].sum() == 4 * 9 + 3 * 12
