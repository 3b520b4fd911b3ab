"""Packed rows have every token, label and prediction of their examples, once."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies
from hypothesis.extra import numpy as numpy_strategies

from bert_tf.config import InputConfig
from bert_tf.data.input_pipeline import train_dataset
from bert_tf.data.manifest import load_manifest
from bert_tf.data.row_packing import pack_batch, pack_rows
from tests.test_cli import run

LENGTH, MAX_PREDICTIONS = 12, 3


def batch_of(lengths, *, seed=0, next_sentence=True):
    rng = np.random.default_rng(seed)
    lengths = np.array(lengths)
    shape = (len(lengths), LENGTH)
    mask = (np.arange(LENGTH) < lengths[:, None]).astype(np.int32)
    num_predictions = rng.integers(0, MAX_PREDICTIONS + 1, len(lengths))
    weights = np.arange(MAX_PREDICTIONS) < num_predictions[:, None]
    positions = rng.integers(0, lengths[:, None], (len(lengths), MAX_PREDICTIONS))
    batch = {
        "input_word_ids": rng.integers(5, 99, shape).astype(np.int32) * mask,
        "input_mask": mask,
        "input_type_ids": rng.integers(0, 2, shape).astype(np.int32) * mask,
        "masked_lm_positions": (positions * weights).astype(np.int32),
        "masked_lm_ids": (rng.integers(5, 99, weights.shape) * weights).astype(np.int32),
        "masked_lm_weights": weights.astype(np.float32),
    }
    if next_sentence:
        labels = rng.integers(0, 2, len(lengths)).astype(np.int32)
        batch["next_sentence_labels"] = labels
    return batch


def examples_of(batch):
    """What each example has, as one can compare it, in any order."""
    for row in range(len(batch["input_mask"])):
        n = batch["input_mask"][row].sum()
        of = batch["masked_lm_weights"][row] > 0
        predictions = zip(
            batch["masked_lm_positions"][row][of].tolist(),
            batch["masked_lm_ids"][row][of].tolist(),
            strict=True,
        )
        yield (
            tuple(batch["input_word_ids"][row][:n]),
            tuple(batch["input_type_ids"][row][:n]),
            tuple(predictions),
            int(batch["next_sentence_labels"][row]),
        )


def unpacked(packed):
    """`examples_of` the batch that was packed."""
    for row, numbers in enumerate(packed["example_numbers"]):
        is_token = packed["input_mask"][row] > 0
        np.testing.assert_array_equal(is_token, numbers > 0)
        for number in range(numbers.max()):
            place = np.flatnonzero(numbers == number + 1)
            first = packed["cls_positions"][row, number]
            np.testing.assert_array_equal(place, np.arange(first, first + len(place)))
            np.testing.assert_array_equal(
                packed["position_ids"][row][place], np.arange(len(place))
            )
            positions = packed["masked_lm_positions"][row]
            of = (packed["masked_lm_weights"][row] > 0) & np.isin(positions, place)
            assert packed["next_sentence_weights"][row, number] == 1
            yield (
                tuple(packed["input_word_ids"][row][place]),
                tuple(packed["input_type_ids"][row][place]),
                tuple(
                    zip(
                        (positions[of] - first).tolist(),
                        packed["masked_lm_ids"][row][of].tolist(),
                        strict=True,
                    )
                ),
                int(packed["next_sentence_labels"][row, number]),
            )


@hypothesis.given(
    lengths=numpy_strategies.arrays(
        np.int64, strategies.integers(0, 40), elements=strategies.integers(3, LENGTH)
    ),
    seed=strategies.integers(0, 99),
)
def test_all_examples_come_back(lengths, seed):
    batch = batch_of(lengths, seed=seed)
    packed = pack_rows(batch)
    assert sorted(unpacked(packed)) == sorted(examples_of(batch))
    assert packed["next_sentence_weights"].sum() == len(lengths)
    assert packed["masked_lm_weights"].sum() == batch["masked_lm_weights"].sum()
    # No two rows would go into one.
    filled = np.sort(packed["input_mask"].sum(axis=1))
    assert len(filled) < 2 or filled[0] + filled[1] > LENGTH


def test_the_example_of_the_docstring():
    batch = {
        "input_word_ids": np.array([[2, 8, 3, 0, 0, 0, 0, 0], [2, 7, 3, 9, 3, 0, 0, 0]]),
        "input_mask": np.array([[1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0, 0]]),
        "input_type_ids": np.array([[0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0, 0, 0]]),
        "masked_lm_positions": np.array([[1, 0], [1, 0]]),
        "masked_lm_ids": np.array([[4, 0], [4, 0]]),
        "masked_lm_weights": np.array([[1, 0], [1, 0]], np.float32),
        "next_sentence_labels": np.array([0, 1]),
    }
    packed = {name: values.tolist() for name, values in pack_rows(batch).items()}
    assert packed == {
        "input_word_ids": [[2, 7, 3, 9, 3, 2, 8, 3]],
        "input_mask": [[1, 1, 1, 1, 1, 1, 1, 1]],
        "input_type_ids": [[0, 0, 0, 1, 1, 0, 0, 0]],
        "example_numbers": [[1, 1, 1, 1, 1, 2, 2, 2]],
        "position_ids": [[0, 1, 2, 3, 4, 0, 1, 2]],
        "cls_positions": [[0, 5]],
        "masked_lm_positions": [[1, 6, 0, 0]],
        "masked_lm_ids": [[4, 4, 0, 0]],
        "masked_lm_weights": [[1.0, 1.0, 0.0, 0.0]],
        "next_sentence_labels": [[1, 0]],
        "next_sentence_weights": [[1.0, 1.0]],
    }


def test_tensors_are_packed_like_arrays():
    for next_sentence in (True, False):
        batch = batch_of([3, 12, 5, 4, 8, 9], next_sentence=next_sentence)
        dataset = tf.data.Dataset.from_tensors(batch).map(pack_batch)
        assert dataset.element_spec["input_word_ids"].shape == (None, LENGTH)
        (found,) = dataset.as_numpy_iterator()
        expected = pack_rows(batch)
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)
            assert found[name].dtype == values.dtype


@pytest.mark.slow
@pytest.mark.parametrize("flags", [(), ("--masking=dynamic", "--next_sentence=false")])
def test_real_text_leaves_hardly_any_padding(shared, tmp_path, flags):
    """Less than 3 % at 512 tokens, in batches of 32."""
    result = run(
        "pipelines.create_pretraining_data",
        f"--input={shared}/data/pretrain/dev_corpus_sentences.txt.xz",
        f"--vocab_file={shared}/data/vocab/bert-base-uncased-vocab.txt",
        *(f"--output={tmp_path}", "--dupe_factor=1", *flags),
        *("--max_seq_length=512", "--max_predictions_per_seq=77"),
    )
    assert result.returncode == 0, result.stderr
    manifest = load_manifest(str(tmp_path))
    config = InputConfig(str(tmp_path), train_batch_size=32, packing=True)
    num_steps = manifest.num_examples("train") // 32

    batches = train_dataset(manifest, config, seed=0).take(num_steps)

    masks = [batch["input_mask"] for batch in batches.as_numpy_iterator()]
    num_tokens = sum(mask.sum() for mask in masks)
    assert num_tokens > 2_000_000
    assert 1 - num_tokens / sum(mask.size for mask in masks) < 0.03
