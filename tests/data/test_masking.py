"""Masking: draw by draw the plain procedure, and the shares are the paper's."""

import itertools

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from bert_tf import config
from bert_tf.data import masking, vocab
from bert_tf.data.randomness import fold_in
from tests.data.reference_random import Random

TOKENS = (*config.SPECIAL_TOKENS, *map(str, range(495)), *(f"##{n}" for n in range(500)))
VOCABULARY = vocab.Vocabulary(TOKENS)
CLS, SEP, MASK = VOCABULARY.cls_id, VOCABULARY.sep_id, VOCABULARY.mask_id


def masker(**changes):
    settings = {"max_seq_length": 90, "max_predictions_per_seq": 20} | changes
    return masking.Masker(config.PretrainingDataConfig(**settings), VOCABULARY)


def mask(examples, *, seed=0, **changes):
    lengths = np.array([len(ids) for ids in examples])
    padded = np.zeros((len(examples), lengths.max()), np.int32)
    for row, ids in zip(padded, examples, strict=True):
        row[: len(ids)] = ids
    streams = fold_in(np.uint64(seed), np.arange(len(examples), dtype=np.uint64))
    settings = {"max_seq_length": int(lengths.max())} | changes
    return masker(**settings).mask(padded, lengths, streams), streams.tolist()


def words_of(ids, *, whole_words):
    """The words as lists of positions, a list for each segment."""
    segments = []
    for position, token_id in enumerate(ids):
        if token_id == CLS or (token_id == SEP and position < len(ids) - 1):
            segments.append([])
        elif token_id == SEP:
            break
        elif whole_words and segments[-1] and token_id >= 500:
            segments[-1][-1].append(position)
        else:
            segments[-1].append([position])
    return segments


def reference_mask(ids, *, num_wanted, whole_words, max_ngram_size, rng):
    """The procedure step by step: words, n-grams of them, then what hides each piece."""
    segments = words_of(ids, whole_words=whole_words)
    rest = [(segment, index) for segment in segments for index in range(len(segment))]
    chosen = set()
    while rest and len(chosen) < num_wanted:
        drawn = rng.randrange(len(rest))
        segment, index = rest[drawn]
        rest[drawn] = rest[-1]
        rest.pop()
        if segment[index][0] in chosen:
            continue
        size = 1
        if max_ngram_size > 1:
            sizes = range(1, max_ngram_size + 1)
            weights = np.array([1 / size for size in sizes])
            bounds = np.cumsum(weights / weights.sum())
            size = 1 + sum(bounds[:-1] <= rng.random())
        for word in segment[index : index + size]:
            if word[0] in chosen or len(chosen) + len(word) > num_wanted:
                break
            chosen.update(word)
    masked = list(ids)
    for position in sorted(chosen):
        share = rng.random()
        if share < 0.8:
            masked[position] = MASK
        elif share >= 0.9:
            masked[position] = rng.randrange(len(TOKENS))
    return masked, sorted(chosen)


tokens = strategies.lists(
    strategies.integers(5, len(TOKENS) - 1), min_size=1, max_size=40
)
pairs = strategies.builds(lambda a, b: [CLS, *a, SEP, *b, SEP], tokens, tokens)
singles = tokens.map(lambda ids: [CLS, *ids, SEP])
batches = strategies.lists(pairs | singles, min_size=1, max_size=4)
seeds = strategies.integers(0, 2**32)


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
    batches,
    strategies.integers(1, 30),
    strategies.floats(0.01, 0.99),
    strategies.booleans(),
    strategies.integers(1, 4),
    seeds,
)
def test_same_draws_hide_what_the_reference_hides(
    examples, max_predictions, prob, whole_words, max_ngram_size, seed
):
    found, streams = mask(
        examples,
        seed=seed,
        max_predictions_per_seq=max_predictions,
        masked_lm_prob=prob,
        do_whole_word_mask=whole_words,
        max_ngram_size=max_ngram_size,
    )
    for row, (ids, stream) in enumerate(zip(examples, streams, strict=True)):
        masked, chosen = reference_mask(
            ids,
            num_wanted=min(max_predictions, max(1, round(len(ids) * prob))),
            whole_words=whole_words,
            max_ngram_size=max_ngram_size,
            rng=Random(stream),
        )
        unused = [0] * (max_predictions - len(chosen))
        assert found.num_predictions[row] == len(chosen)
        assert found.input_ids[row, : len(ids)].tolist() == masked
        assert not found.input_ids[row, len(ids) :].any()
        assert found.positions[row].tolist() == chosen + unused
        assert found.labels[row].tolist() == [ids[each] for each in chosen] + unused


@hypothesis.given(batches, strategies.integers(1, 30), strategies.booleans(), seeds)
def test_properties(examples, max_predictions, whole_words, seed):
    found, _ = mask(
        examples,
        seed=seed,
        max_predictions_per_seq=max_predictions,
        masked_lm_prob=0.3,
        do_whole_word_mask=whole_words,
    )
    for row, ids in enumerate(examples):
        count = found.num_predictions[row]
        positions = found.positions[row, :count].tolist()
        assert not {ids[position] for position in positions} & {CLS, SEP}
        restored = found.input_ids[row, : len(ids)].copy()
        restored[positions] = found.labels[row, :count]
        assert restored.tolist() == ids
        wanted = min(max_predictions, max(1, round(len(ids) * 0.3)))
        words = itertools.chain.from_iterable(words_of(ids, whole_words=whole_words))
        left_out = [word for word in words if not {*word} <= {*positions}]
        # A word is left out as a whole, and only if it would not fit.
        assert all({*word}.isdisjoint(positions) for word in left_out)
        assert all(count + len(word) > wanted for word in left_out)
    assert 0 <= found.num_masked + found.num_kept <= found.num_predictions.sum()


def test_the_input_is_left_as_it_is():
    ids = np.array([[CLS, 7, 8, 9, SEP]], np.int32)
    masker().mask(ids, np.array([5]), np.zeros(1, np.uint64))
    assert ids.tolist() == [[CLS, 7, 8, 9, SEP]]


def test_an_example_is_masked_alike_alone_and_among_others():
    examples = [[CLS, *range(5, 5 + count), SEP] for count in range(1, 40)]
    together, _ = mask(examples)
    streams = fold_in(np.uint64(0), np.arange(39, dtype=np.uint64))
    alone = masker(max_seq_length=41).mask(
        np.array([examples[7] + [0] * 31], np.int32), np.array([10]), streams[7:8]
    )
    np.testing.assert_array_equal(alone.positions[0], together.positions[7])
    np.testing.assert_array_equal(alone.input_ids[0], together.input_ids[7])


def test_shares_are_eighty_ten_ten_and_random_tokens_are_uniform():
    ids = [CLS, *[200] * 500, SEP, *[201] * 500, SEP]
    found, _ = mask([ids] * 40, max_predictions_per_seq=1000, masked_lm_prob=0.999)
    total = int(found.num_predictions.sum())
    assert total == 40_000
    num_random = total - found.num_masked - found.num_kept
    for count, share in (
        (found.num_masked, 0.8),
        (found.num_kept, 0.1),
        (num_random, 0.1),
    ):
        # Four standard deviations of a binomial share.
        assert count / total == pytest.approx(
            share, abs=4 * (share * (1 - share) / total) ** 0.5
        )
    is_random = ~np.isin(found.input_ids, (CLS, SEP, MASK, 200, 201))
    replaced = found.input_ids[is_random]
    # A uniform number below 1000 has mean 499.5 and standard deviation 288.7.
    expected = pytest.approx(499.5, abs=4 * 288.7 / len(replaced) ** 0.5)
    assert replaced.mean() == expected
    assert replaced.max() > 950


def test_every_position_is_chosen_equally_often():
    ids = [CLS, *range(200, 210), SEP, *range(210, 220), SEP]
    found, _ = mask([ids] * 4000, masked_lm_prob=0.13)
    assert (found.num_predictions == 3).all()
    counts = np.bincount(found.positions[:, :3].ravel(), minlength=23)
    assert counts[[0, 11, 22]].sum() == 0
    inside = np.delete(counts, [0, 11, 22])
    assert (np.abs(inside - 600) < 5 * 600**0.5).all()


def test_ngrams_are_as_long_as_their_chances():
    ids = [CLS, *range(100, 300), SEP]
    found, _ = mask([ids] * 6000, max_ngram_size=3, max_predictions_per_seq=3)
    # With room for one n-gram only: the positions next to each other are its size, but
    # that the rest of the room goes to another one.
    spread = np.diff(found.positions, axis=1)
    is_trigram = (spread == 1).all(axis=1)
    chance = (1 / 3) / (1 + 1 / 2 + 1 / 3)
    expected = pytest.approx(chance, abs=4 * (chance * (1 - chance) / 6000) ** 0.5 + 0.02)
    assert is_trigram.mean() == expected
