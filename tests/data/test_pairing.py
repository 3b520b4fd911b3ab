"""Segments: the original's procedure, draw by draw, and its properties."""

import collections
import itertools

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from bert_tf.data import pairing
from bert_tf.data.randomness import fold_in
from tests.data.reference_random import Random


def splits_of(lengths):
    return np.array([0, *itertools.accumulate(lengths)], np.int64)


def flat(documents):
    """The splits of documents, which are lists of lists of tokens."""
    return (
        splits_of(map(len, documents)),
        splits_of(len(sentence) for document in documents for sentence in document),
    )


def streams_of(documents, seed):
    return fold_in(np.uint64(seed), np.arange(len(documents), dtype=np.uint64))


def pair_all(documents, *, max_seq_length=16, short_seq_prob=0.1, seed=1):
    return pairing.pair_sentences(
        *flat(documents), streams_of(documents, seed), max_seq_length, short_seq_prob
    )


def joined(nested):
    return list(itertools.chain.from_iterable(nested))


def reference_pairs(documents, index, *, max_seq_length, short_seq_prob, rng):
    """The procedure as the paper's code tells it: lists of tokens, step by step."""
    room = max_seq_length - 3
    target = rng.randint(2, room) if rng.random() < short_seq_prob else room
    document = documents[index]
    waiting = collections.deque(document)
    chunk = []
    while waiting:
        chunk.append(waiting.popleft())
        if waiting and sum(map(len, chunk)) < target:
            continue
        cut = rng.randint(1, len(chunk) - 1) if len(chunk) > 1 else 1
        first = joined(chunk[:cut])
        other = None
        if len(chunk) == 1 or rng.random() < 0.5:
            draws = (rng.randrange(len(documents)) for _ in range(10))
            other = next((draw for draw in draws if draw != index), None)
        if other is not None:
            second = []
            for sentence in documents[other][rng.randrange(len(documents[other])) :]:
                second += sentence
                if len(second) >= target - len(first):
                    break
            waiting.extendleft(reversed(chunk[cut:]))
        else:
            second = joined(chunk[cut:])
        chunk = []
        if not second:
            continue
        while len(first) + len(second) > room:
            longer = first if len(first) > len(second) else second
            longer.pop(0 if rng.random() < 0.5 else -1)
        yield first, second, other is not None


@strategies.composite
def corpora(draw):
    """Documents of sentences of tokens, every token its own number."""
    numbers = itertools.count()
    shape = strategies.lists(
        strategies.lists(strategies.integers(1, 12), min_size=1, max_size=6),
        min_size=1,
        max_size=5,
    )
    return [
        [[next(numbers) for _ in range(length)] for length in lengths]
        for lengths in draw(shape)
    ]


seeds = strategies.integers(0, 2**32)


@hypothesis.given(corpora(), strategies.integers(8, 32), strategies.floats(0, 1), seeds)
def test_same_draws_give_the_pairs_of_the_reference(documents, length, short, seed):
    settings = {"max_seq_length": length, "short_seq_prob": short}
    found = pair_all(documents, seed=seed, **settings)
    tokens = joined(joined(documents))
    streams = streams_of(documents, seed).tolist()
    expected = [
        (index, *pair)
        for index, stream in enumerate(streams)
        for pair in reference_pairs(documents, index, rng=Random(stream), **settings)
    ]
    assert [
        (document, tokens[start:stop], tokens[other_start:other_stop], bool(is_random))
        for document, start, stop, other_start, other_stop, is_random in zip(
            *found[:6], strict=True
        )
    ] == expected


@hypothesis.given(corpora(), strategies.integers(8, 32), seeds)
def test_properties(documents, length, seed):
    found = pair_all(documents, max_seq_length=length, seed=seed)
    first_lengths = found.first_stops - found.first_starts
    second_lengths = found.second_stops - found.second_starts
    assert (first_lengths >= 1).all()
    assert (second_lengths >= 1).all()
    assert (first_lengths + second_lengths <= length - 3).all()
    document_splits, sentence_splits = flat(documents)
    token_splits = sentence_splits[document_splits]

    def document_of(starts, stops):
        of_start = np.searchsorted(token_splits, starts, side="right")
        assert (of_start == np.searchsorted(token_splits, stops, side="left")).all()
        return of_start - 1

    firsts = document_of(found.first_starts, found.first_stops)
    seconds = document_of(found.second_starts, found.second_stops)
    assert (firsts == found.documents).all()
    assert ((firsts != seconds) == found.is_random_next).all()
    is_next = found.is_random_next == 0
    assert (found.first_stops <= found.second_starts)[is_next].all()
    if len(documents) == 1:
        # Nowhere else to take a sentence from: never called random, and counted.
        assert is_next.all()
        assert found.num_dropped + len(firsts) > 0


def test_a_single_sentence_without_another_document_is_dropped_and_counted():
    found = pair_all([[[1, 2, 3]]])
    assert (len(found.documents), found.num_dropped) == (0, 1)
    several = [
        pair_all([[[1, 2, 3], [4]]], seed=seed).num_actual_for_random
        for seed in range(50)
    ]
    assert set(several) == {0, 1}


def test_half_of_long_documents_pairs_are_random():
    documents = [[[0] * 5 for _ in range(4000)] for _ in range(3)]
    is_random = pair_all(documents, max_seq_length=64).is_random_next
    # Four standard deviations of a fair coin.
    expected = pytest.approx(0.5, abs=4 * 0.5 / len(is_random) ** 0.5)
    assert is_random.mean() == expected


def test_targets_are_full_unless_short_ones_are_drawn():
    documents = [[[0] for _ in range(500)] for _ in range(200)]

    def lengths(short_seq_prob):
        found = pair_all(documents, max_seq_length=23, short_seq_prob=short_seq_prob)
        first_lengths = found.first_stops - found.first_starts
        second_lengths = found.second_stops - found.second_starts
        return found.documents, first_lengths + second_lengths

    _, full = lengths(0)
    assert np.bincount(full).argmax() == 20
    of_documents, short = lengths(1)
    longest = np.zeros(len(documents), int)
    np.maximum.at(longest, of_documents, short)
    # One target for a whole document, any of 2 to 20 among two hundred.
    assert set(longest) == set(range(2, 21))


def reference_cut(document, room):
    """Spans of a document's tokens."""
    tokens = joined(document)
    return [tokens[start : start + room] for start in range(0, len(tokens), room)]


@hypothesis.given(corpora(), strategies.integers(8, 32))
def test_single_segments_hold_every_token_once(documents, length):
    found = pairing.cut_documents(*flat(documents), length)
    tokens = joined(joined(documents))
    assert [
        (index, segment)
        for index, document in enumerate(documents)
        for segment in reference_cut(document, length - 2)
    ] == [
        (document, tokens[start:stop])
        for document, start, stop in zip(*found[:3], strict=True)
    ]
    assert (found.second_starts == found.second_stops).all()
    assert not found.is_random_next.any()


def test_all_segments_but_the_last_of_a_document_are_full():
    tokens = list(range(30))
    documents = [[tokens[:14], tokens[14:16], tokens[16:18]], [tokens[18:23]]]
    found = pairing.cut_documents(*flat(documents), 8)
    assert found.first_starts.tolist() == [0, 6, 12, 18]
    assert found.first_stops.tolist() == [6, 12, 18, 23]
