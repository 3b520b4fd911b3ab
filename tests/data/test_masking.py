"""Masking: what is hidden can be restored, and the shares are the paper's."""

import random

import hypothesis
import pytest
from hypothesis import strategies

from bert_tf.data import masking

CLS, SEP, MASK = 101, 102, 103
VOCAB_SIZE = 1000
CONTINUATIONS = frozenset(range(500, VOCAB_SIZE))


def words_of(ids, *, whole_words):
    return masking.candidate_words(
        ids,
        special_ids=frozenset((CLS, SEP)),
        continuation_ids=CONTINUATIONS if whole_words else frozenset(),
    )


def mask(ids, *, num_predictions, whole_words=False, seed=0):
    return masking.mask_tokens(
        ids,
        words_of(ids, whole_words=whole_words),
        num_predictions=num_predictions,
        mask_id=MASK,
        vocab_size=VOCAB_SIZE,
        rng=random.Random(seed),
    )


tokens = strategies.lists(
    strategies.integers(104, VOCAB_SIZE - 1), min_size=1, max_size=40
)
examples = strategies.tuples(tokens, tokens).map(
    lambda pair: [CLS, *pair[0], SEP, *pair[1], SEP]
)


@pytest.mark.parametrize(
    ("num_tokens", "expected"),
    # 15 % of 10 and of 30 are halves, which go to the even number.
    [(5, 1), (10, 2), (30, 4), (50, 8), (128, 19), (512, 20)],
)
def test_num_to_predict(num_tokens, expected):
    found = masking.num_to_predict(
        num_tokens, masked_lm_prob=0.15, max_predictions_per_seq=20
    )
    assert found == expected


@hypothesis.given(
    examples, strategies.integers(1, 30), strategies.booleans(), strategies.integers()
)
def test_unmasking_restores_the_example(ids, num_predictions, whole_words, seed):
    masked = mask(
        ids, num_predictions=num_predictions, whole_words=whole_words, seed=seed
    )
    assert masked.positions == sorted(set(masked.positions))
    assert len(masked.positions) <= num_predictions
    assert not {ids[position] for position in masked.positions} & {CLS, SEP}
    assert len(masked.positions) == (
        masked.num_masked + masked.num_kept + masked.num_random
    )
    restored = list(masked.ids)
    for position, label in zip(masked.positions, masked.labels, strict=True):
        restored[position] = label
    assert restored == ids
    if not whole_words:
        assert len(masked.positions) == min(num_predictions, len(ids) - 3)
    again = mask(ids, num_predictions=num_predictions, whole_words=whole_words, seed=seed)
    assert again == masked


@hypothesis.given(examples, strategies.integers(1, 30), strategies.integers())
def test_whole_words_are_masked_whole(ids, num_predictions, seed):
    masked = mask(ids, num_predictions=num_predictions, whole_words=True, seed=seed)
    chosen = set(masked.positions)
    words = words_of(ids, whole_words=True)
    assert all(chosen.isdisjoint(word) or chosen.issuperset(word) for word in words)
    # A word is left out only if it would not fit.
    room = num_predictions - len(chosen)
    assert all(len(word) > room for word in words if chosen.isdisjoint(word))


def test_words_end_at_special_tokens_and_before_the_next_word():
    ids = [CLS, 200, 600, 601, 201, SEP, 602, 603, 202, SEP]
    assert words_of(ids, whole_words=True) == [[1, 2, 3], [4], [6, 7], [8]]
    assert words_of(ids, whole_words=False) == [[1], [2], [3], [4], [6], [7], [8]]


def test_shares_are_eighty_ten_ten_and_random_tokens_are_uniform():
    ids = [CLS, *[200] * 500, SEP, *[201] * 500, SEP]
    results = [mask(ids, num_predictions=1000, seed=seed) for seed in range(40)]
    total = 40_000
    for field, share in (("num_masked", 0.8), ("num_kept", 0.1), ("num_random", 0.1)):
        found = sum(getattr(result, field) for result in results) / total
        # Four standard deviations of a binomial share.
        assert found == pytest.approx(share, abs=4 * (share * (1 - share) / total) ** 0.5)
    replaced = [
        token
        for result in results
        for token in result.ids
        if token not in (CLS, SEP, MASK, 200, 201)
    ]
    # A uniform number below 1000 has mean 499.5 and standard deviation 288.7.
    mean = sum(replaced) / len(replaced)
    assert mean == pytest.approx(499.5, abs=4 * 288.7 / len(replaced) ** 0.5)
    assert max(replaced) > 950


def test_every_position_is_chosen_equally_often():
    ids = [CLS, *range(200, 210), SEP, *range(210, 220), SEP]
    chosen = [
        position
        for seed in range(4000)
        for position in mask(ids, num_predictions=3, seed=seed).positions
    ]
    expected = len(chosen) / 20
    counts = [chosen.count(position) for position in {*range(1, 11), *range(12, 22)}]
    assert sum(counts) == len(chosen) == 12_000
    assert all(abs(count - expected) < 5 * expected**0.5 for count in counts)
