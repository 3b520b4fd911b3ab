"""Windows and spans of the peer, beside ours and beside slower ones."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.tasks.systems.transformers.spans import (
    best_span,
    windows,
    with_most_context,
)
from bert_tf.data.windows import make_windows


@pytest.mark.parametrize("num_tokens", [1, 9, 10, 11, 13, 14, 40])
def test_windows_and_their_tokens_are_ours(num_tokens):
    ours = make_windows(
        tf.constant([num_tokens], tf.int64), tf.constant([10], tf.int64), stride=4
    )

    seen = windows(num_tokens, 10, 4)

    starts = ours.start.numpy()
    ends = starts + ours.length.numpy()
    assert seen == list(zip(starts, ends, strict=True))
    judged = ours.tokens().to_list(), ours.has_most_context().to_list()
    for number, (tokens, is_judged) in enumerate(zip(*judged, strict=True)):
        for token, is_own in zip(tokens, is_judged, strict=True):
            judge = with_most_context(token, seen)
            assert (judge == number) == is_own or _is_as_good(token, seen, judge, number)


def _is_as_good(token, seen, judge, number):
    """Ours has a longer window judge where both show as much."""
    (start, end), (other_start, other_end) = seen[judge], seen[number]
    return min(token - start, end - 1 - token) == min(
        token - other_start, other_end - 1 - token
    )


def test_the_best_span_is_the_best_of_all():
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 12))
    is_context = np.arange(12) >= 4
    sums = {
        (first, last): start[first] + end[last]
        for first in range(4, 12)
        for last in range(first, min(first + 3, 12))
    }

    score, *span = best_span(start, end, is_context, max_tokens=3)

    assert tuple(span) == max(sums, key=sums.get)
    assert score == pytest.approx(max(sums.values()))


def test_a_span_ends_after_its_beginning():
    start, end = np.array([0.0, 0, 5]), np.array([5.0, 0, 0])

    _, first, last = best_span(start, end, np.ones(3, bool), max_tokens=3)

    assert first <= last


def test_nothing_is_no_span():
    score, _, _ = best_span(np.ones(2), np.ones(2), np.zeros(2, bool), max_tokens=3)

    assert score == -np.inf
