"""Batches of the peer."""

import numpy as np

from benchmarks.tasks.systems.transformers.batches import IGNORED, stack


def test_rows_are_filled_up():
    rows = [
        {"input_ids": np.array([5, 6]), "attention_mask": np.array([1, 1])},
        {"input_ids": np.array([7]), "attention_mask": np.array([1])},
    ]
    labels = [np.array([1, 2]), np.array([3])]

    batch = stack(
        [row | {"labels": each} for row, each in zip(rows, labels, strict=True)], pad_id=9
    )

    assert {name: values.tolist() for name, values in batch.items()} == {
        "input_ids": [[5, 6], [7, 9]],
        "attention_mask": [[1, 1], [1, 0]],
        "labels": [[1, 2], [3, IGNORED]],
    }


def test_numbers_and_choices_are_filled_up():
    rows = [
        {"input_ids": np.array([[1], [2]]), "labels": np.array(0.5, np.float32)},
        {"input_ids": np.array([[3, 4], [5, 6]]), "labels": np.array(2, np.float32)},
    ]

    batch = stack(rows, pad_id=0)

    assert batch["input_ids"].tolist() == [[[1, 0], [2, 0]], [[3, 4], [5, 6]]]
    assert batch["labels"].tolist() == [0.5, 2]
    assert batch["labels"].dtype == np.float32
