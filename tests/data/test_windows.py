"""Windows over texts that are longer than a model."""

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from bert_tf.data.windows import make_windows


def int64(*values):
    return tf.constant(values, tf.int64)


def test_windows_of_three_texts():
    windows = make_windows(int64(7, 0, 3), int64(4, 4, 4), stride=2)

    np.testing.assert_array_equal(windows.text, [0, 0, 0, 1, 2])
    np.testing.assert_array_equal(windows.start, [0, 2, 4, 0, 0])
    np.testing.assert_array_equal(windows.length, [4, 4, 3, 0, 3])
    np.testing.assert_array_equal(windows.num_windows, [3, 1, 1])


def test_what_windows_show_and_which_judges():
    windows = make_windows(int64(6), int64(4), stride=2)
    tokens = tf.ragged.constant([[10, 11, 12, 13, 14, 15]])

    shown = windows.take(tokens)

    assert shown.to_list() == [[10, 11, 12, 13], [12, 13, 14, 15]]
    # 12 has one token at its left in the first window, none in the second.
    assert windows.has_most_context().to_list() == [
        [True, True, True, False],
        [False, True, True, True],
    ]


def test_a_stride_that_would_leave_tokens_out_is_shortened():
    windows = make_windows(int64(5), int64(2), stride=9)

    np.testing.assert_array_equal(windows.start, [0, 2, 4])


@settings(max_examples=50)
@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    capacity=st.integers(1, 10),
    stride=st.integers(1, 12),
)
def test_each_token_is_judged_once_where_it_has_most_context(lengths, capacity, stride):
    windows = make_windows(
        int64(*lengths),
        tf.fill([len(lengths)], tf.constant(capacity, tf.int64)),
        stride=stride,
    )

    judged = {}
    for text, start, length, chosen in zip(
        windows.text.numpy(),
        windows.start.numpy(),
        windows.length.numpy(),
        windows.has_most_context().to_list(),
        strict=True,
    ):
        assert length <= capacity
        for position in range(length):
            context = min(position, length - 1 - position) + 0.01 * length
            judged.setdefault((text, start + position), []).append(
                (context, chosen[position])
            )
    expected = {(n, i) for n, length in enumerate(lengths) for i in range(length)}
    assert set(judged) == expected
    for candidates in judged.values():
        assert sum(chosen for _, chosen in candidates) == 1
        best = max(context for context, _ in candidates)
        assert [c for c, chosen in candidates if chosen] == [best]
