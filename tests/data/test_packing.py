import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from bert_tf.data.packing import pack_pair, pack_single
from tests.made_data import VOCABULARY


def test_frames_cuts_and_pads():
    cls, sep, pad = VOCABULARY.cls_id, VOCABULARY.sep_id, VOCABULARY.pad_id
    ids = tf.ragged.constant([[7, 8], [], [7, 8, 9, 9, 9]], dtype=tf.int32)

    inputs = pack_single(ids, VOCABULARY, max_seq_length=5)

    np.testing.assert_array_equal(
        inputs["input_word_ids"],
        [[cls, 7, 8, sep, pad], [cls, sep, pad, pad, pad], [cls, 7, 8, 9, sep]],
    )
    np.testing.assert_array_equal(
        inputs["input_mask"], [[1, 1, 1, 1, 0], [1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]
    )
    assert not inputs["input_type_ids"].numpy().any()
    assert {tensor.dtype for tensor in inputs.values()} == {tf.int32}


def test_no_text_at_all():
    ids = tf.RaggedTensor.from_row_splits(tf.constant([], tf.int32), [0])

    assert pack_single(ids, VOCABULARY, max_seq_length=5)["input_mask"].shape[0] == 0


def test_pairs_are_framed_and_padded():
    cls, sep, pad = VOCABULARY.cls_id, VOCABULARY.sep_id, VOCABULARY.pad_id
    first = tf.ragged.constant([[7, 7], [], [7]], dtype=tf.int32)
    second = tf.ragged.constant([[8], [8, 8], []], dtype=tf.int32)

    inputs = pack_pair(first, second, VOCABULARY, max_seq_length=10)

    np.testing.assert_array_equal(
        inputs["input_word_ids"],
        [
            [cls, 7, 7, sep, 8, sep],
            [cls, sep, 8, 8, sep, pad],
            [cls, 7, sep, sep, pad, pad],
        ],
    )
    np.testing.assert_array_equal(
        inputs["input_mask"], [[1] * 6, [1] * 5 + [0], [1] * 4 + [0, 0]]
    )
    np.testing.assert_array_equal(
        inputs["input_type_ids"],
        [[0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 0, 0]],
    )
    assert {tensor.dtype for tensor in inputs.values()} == {tf.int32}


@given(
    num_first=st.integers(0, 12), num_second=st.integers(0, 12), length=st.integers(3, 14)
)
def test_pairs_are_truncated_as_by_the_original(num_first, num_second, length):
    first, second = list(range(num_first)), list(range(100, 100 + num_second))

    inputs = pack_pair(
        tf.RaggedTensor.from_row_lengths(tf.constant(first, tf.int32), [num_first]),
        tf.RaggedTensor.from_row_lengths(tf.constant(second, tf.int32), [num_second]),
        VOCABULARY,
        max_seq_length=length,
    )

    while len(first) + len(second) > length - 3:  # _truncate_seq_pair
        (first if len(first) > len(second) else second).pop()
    cls, sep = VOCABULARY.cls_id, VOCABULARY.sep_id
    expected = [cls, *first, sep, *second, sep]
    np.testing.assert_array_equal(inputs["input_word_ids"], [expected])
