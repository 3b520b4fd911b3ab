"""Several short examples in one row, so that no arithmetic is spent on padding.

The examples of a batch stay together: what is learnt from it is the same, packed or not,
and which examples a step has follows from its number.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert_tf.data.compiled import compiled
from bert_tf.data.packing import ENCODER_INPUTS

_PREDICTIONS = ("masked_lm_positions", "masked_lm_ids", "masked_lm_weights")
_SLOTS = 4  # predictions of a row are a multiple: XLA compiles the loss for each number


def pack_batch(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """`pack_rows` for tf.data: tensors instead of arrays."""
    names = list(batch)
    dtypes = {name: values.dtype for name, values in batch.items()}
    dtypes |= dict.fromkeys(
        ("example_numbers", "position_ids", "cls_positions"), tf.int32
    )
    if "next_sentence_labels" in batch:
        dtypes["next_sentence_weights"] = tf.float32

    def pack(*arrays: np.ndarray) -> list[np.ndarray]:
        packed = pack_rows(dict(zip(names, arrays, strict=True)))
        return [packed[name] for name in dtypes]

    packed = tf.numpy_function(
        pack, [batch[name] for name in names], list(dtypes.values()), stateful=False
    )
    row_length = batch["input_mask"].shape[1]
    return {
        name: tf.ensure_shape(
            values, [None, None if name.startswith(_NOT_TOKENS) else row_length]
        )
        for name, values in zip(dtypes, packed, strict=True)
    }


_NOT_TOKENS = ("masked_lm_", "next_sentence_", "cls_")


def pack_rows(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Puts the examples of a batch into few rows, the longest first, where they fit best.

    For rows of 8 tokens, two examples of 5 and 3 tokens become one row:

        input_word_ids         [2, 7, 3, 9, 3, 2, 8, 3]  int32 [R, S]
        input_mask             [1, 1, 1, 1, 1, 1, 1, 1]  int32 [R, S]
        input_type_ids         [0, 0, 0, 1, 1, 0, 0, 0]  int32 [R, S]
        example_numbers        [1, 1, 1, 1, 1, 2, 2, 2]  int32 [R, S], 0 = padding
        position_ids           [0, 1, 2, 3, 4, 0, 1, 2]  int32 [R, S]
        cls_positions          [0, 5]                    int32 [R, K]
        masked_lm_positions    [1, 6, 0, 0]              int32 [R, P]
        masked_lm_ids          [4, 4, 0, 0]              int32 [R, P]
        masked_lm_weights      [1., 1., 0., 0.]          float32 [R, P]
        next_sentence_labels   [1, 0]                    int32 [R, K]
        next_sentence_weights  [1., 1.]                  float32 [R, K]

    K and P are what the fullest rows have, P rounded up to a multiple of four; where a
    row has less, weights are 0.

    Args:
        batch: examples as `input_pipeline.parse_masked` gives them, in NumPy.

    Returns:
        The dictionary above; the last two if the batch has next-sentence labels.
    """
    is_token = batch["input_mask"] > 0
    lengths = is_token.sum(axis=1)
    num_examples, row_length = is_token.shape
    rows, numbers, offsets = _best_fit(
        np.argsort(-lengths, kind="stable"), lengths, row_length
    )
    num_rows = 1 + rows.max(initial=-1)
    starts = (rows * row_length + offsets)[:, None]  # in all rows as one
    place = (starts + np.arange(row_length))[is_token]

    def in_place(values: np.ndarray) -> np.ndarray:
        packed = np.zeros([num_rows, row_length], np.int32)
        packed.reshape(-1)[place] = np.broadcast_to(values, is_token.shape)[is_token]
        return packed

    packed = {name: in_place(batch[name]) for name in ENCODER_INPUTS}
    packed["example_numbers"] = in_place(1 + numbers[:, None])
    packed["position_ids"] = in_place(np.arange(row_length))

    num_in_row = 1 + numbers.max(initial=-1)
    of_examples = {"cls_positions": offsets}
    if "next_sentence_labels" in batch:
        of_examples["next_sentence_labels"] = batch["next_sentence_labels"]
        of_examples["next_sentence_weights"] = np.ones(num_examples, np.float32)
    for name, values in of_examples.items():
        dtype = np.float32 if values.dtype == np.float32 else np.int32
        packed[name] = np.zeros([num_rows, num_in_row], dtype)
        packed[name][rows, numbers] = values

    # Predictions of a row one after the other, example by example.
    is_prediction = batch["masked_lm_weights"] > 0
    order = np.lexsort((numbers, rows))
    example, slot = np.nonzero(is_prediction[order])
    example = order[example]
    row = rows[example]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    num_predictions = -(-(1 + rank.max(initial=-1)) // _SLOTS) * _SLOTS
    for name in _PREDICTIONS:
        values = batch[name][example, slot]
        if name == "masked_lm_positions":
            values = values + offsets[example]
        packed[name] = np.zeros([num_rows, num_predictions], batch[name].dtype)
        packed[name][row, rank] = values
    return packed


@compiled
def _best_fit(order, lengths, row_length):
    """The row of each example, its number and its first token there, [B] each."""
    num_examples = len(lengths)
    rows = np.zeros(num_examples, np.int64)
    numbers = np.zeros(num_examples, np.int64)
    offsets = np.zeros(num_examples, np.int64)
    room = np.zeros(num_examples, np.int64)
    num_in_row = np.zeros(num_examples, np.int64)
    num_rows = 0
    for example in order:
        length = lengths[example]
        best = -1
        for row in range(num_rows):
            if room[row] >= length and (best < 0 or room[row] < room[best]):
                best = row
        if best < 0:
            best = num_rows
            room[best] = row_length
            num_rows += 1
        rows[example] = best
        numbers[example] = num_in_row[best]
        offsets[example] = row_length - room[best]
        num_in_row[best] += 1
        room[best] -= length
    return rows, numbers, offsets
