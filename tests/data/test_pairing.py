"""Sentence pairs: the original's procedure, draw by draw, and its properties."""

import collections
import itertools
import random

import hypothesis
import pytest
from hypothesis import strategies

from bert_tf.data import pairing


def pair_all(documents, *, max_seq_length=16, short_seq_prob=0.1, seed=1):
    counts = collections.Counter()
    ends = ends_of(documents)
    pairs = [
        pair
        for index in range(len(documents))
        for pair in pairing.pair_sentences(
            ends,
            index,
            max_seq_length=max_seq_length,
            short_seq_prob=short_seq_prob,
            rng=random.Random(f"{seed}/{index}"),
            counts=counts,
        )
    ]
    return pairs, counts


def ends_of(documents):
    return [list(itertools.accumulate(map(len, document))) for document in documents]


def joined(sentences):
    return list(itertools.chain.from_iterable(sentences))


def tokens_of(documents, segment):
    return joined(documents[segment.document])[segment.start : segment.stop]


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


@hypothesis.given(
    corpora(), strategies.integers(8, 32), strategies.floats(0, 1), strategies.integers()
)
def test_same_draws_give_the_pairs_of_the_reference(documents, length, short, seed):
    for index in range(len(documents)):
        settings = {"max_seq_length": length, "short_seq_prob": short}
        found = pairing.pair_sentences(
            ends_of(documents),
            index,
            rng=random.Random(seed),
            counts=collections.Counter(),
            **settings,
        )
        expected = reference_pairs(documents, index, rng=random.Random(seed), **settings)
        assert [
            (
                tokens_of(documents, pair.first),
                tokens_of(documents, pair.second),
                pair.is_random_next,
            )
            for pair in found
        ] == list(expected)


@hypothesis.given(corpora(), strategies.integers(8, 32), strategies.integers())
def test_properties(documents, length, seed):
    pairs, counts = pair_all(documents, max_seq_length=length, seed=seed)
    for pair in pairs:
        assert len(pair.first) >= 1
        assert len(pair.second) >= 1
        assert len(pair.first) + len(pair.second) <= length - 3
        for segment in (pair.first, pair.second):
            assert len(tokens_of(documents, segment)) == len(segment)
        assert pair.is_random_next == (pair.first.document != pair.second.document)
        if not pair.is_random_next:
            assert pair.first.stop <= pair.second.start
    if len(documents) == 1:
        # Nowhere else to take a sentence from: never called random, and counted.
        assert not any(pair.is_random_next for pair in pairs)
        assert counts["no_partner_dropped"] + len(pairs) > 0
    assert pair_all(documents, max_seq_length=length, seed=seed) == (pairs, counts)


def test_a_single_sentence_without_another_document_is_dropped_and_counted():
    assert pair_all([[[1, 2, 3]]]) == ([], {"no_partner_dropped": 1})


def test_half_of_long_documents_pairs_are_random():
    documents = [[[0] * 5 for _ in range(4000)] for _ in range(3)]
    pairs, _ = pair_all(documents, max_seq_length=64)
    share = sum(pair.is_random_next for pair in pairs) / len(pairs)
    # Four standard deviations of a fair coin.
    assert share == pytest.approx(0.5, abs=4 * 0.5 / len(pairs) ** 0.5)


def test_targets_are_full_unless_short_ones_are_drawn():
    documents = [[[0] for _ in range(500)] for _ in range(200)]
    full, _ = pair_all(documents, max_seq_length=23, short_seq_prob=0)
    lengths = collections.Counter(len(pair.first) + len(pair.second) for pair in full)
    assert lengths.most_common(1)[0][0] == 20
    short, _ = pair_all(documents, max_seq_length=23, short_seq_prob=1)
    shortest = [
        max(len(pair.first) + len(pair.second) for pair in pairs)
        for _, pairs in itertools.groupby(short, key=lambda pair: pair.first.document)
    ]
    # One target for a whole document, any of 2 to 20 among two hundred.
    assert set(shortest) == set(range(2, 21))
