import numpy as np
import tensorflow as tf

from bert_tf.data.packing import pack_single
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
