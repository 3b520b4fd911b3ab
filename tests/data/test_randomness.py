"""Streams: the published generator, and nothing in common between two of them."""

import collections

import numpy as np
import pytest
from hypothesis import given, strategies

from bert_tf.data import randomness
from tests.data import reference_random

uint64s = strategies.integers(0, 2**64 - 1)


def draws(function, stream, count, *arguments):
    state = np.array([stream], np.uint64)
    return [function(state, *arguments) for _ in range(count)]


def test_the_published_numbers_come_out():
    # Of the generator's reference implementation in C, for the seed 1234567.
    assert draws(randomness.draw, 1234567, 5) == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@given(uint64s, uint64s, strategies.integers(1, 2**32))
def test_all_draws_are_those_of_the_reference(stream, number, limit):
    folded = int(randomness.fold_in(np.uint64(stream), np.uint64(number)))
    assert folded == reference_random.fold_in(stream, number)
    theirs = reference_random.Random(stream)
    state = np.array([stream], np.uint64)
    assert randomness.draw_share(state) == theirs.random()
    assert randomness.draw_below(state, limit) == theirs.randrange(limit)
    assert randomness.draw(state) == theirs.bits()


def test_folding_works_on_arrays_and_does_not_commute():
    numbers = np.arange(1000, dtype=np.uint64)
    folded = randomness.fold_in(np.uint64(5), numbers)
    assert folded.dtype == np.uint64
    assert folded[7] == randomness.fold_in(np.uint64(5), np.uint64(7))
    swapped = randomness.fold_in(numbers, np.uint64(5))
    assert len({*folded.tolist(), *swapped.tolist()}) == 2000 - 1  # (5, 5) is both


def test_neighbouring_streams_are_uniform_together():
    streams = randomness.fold_in(np.uint64(0), np.arange(20_000, dtype=np.uint64))
    first = [draws(randomness.draw_below, stream, 1, 10)[0] for stream in streams]
    counts = collections.Counter(first)
    assert set(counts) == set(range(10))
    # Five standard deviations of a binomial.
    assert all(count == pytest.approx(2000, abs=5 * 42.5) for count in counts.values())
    shares = [draws(randomness.draw_share, stream, 2) for stream in streams]
    assert np.corrcoef(np.array(shares).T)[0, 1] == pytest.approx(0, abs=5 / 141)
