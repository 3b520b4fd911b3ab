"""The peer that was written for the benchmark does the whole work."""

import random

import numpy as np
import pytest

from benchmarks.peers import hugging_face

CLS, SEP, PAD, MASK = 101, 102, 0, 103
VOCAB_SIZE = 30_000


@pytest.fixture(scope="module")
def documents():
    """Of sentences whose tokens tell the document and their place in it."""
    rng = random.Random(0)
    made = []
    for number in range(200):
        tokens = iter(range(1000 + 100_000 * number, 100_000 * (number + 1)))
        made.append(
            [
                [next(tokens) for _ in range(rng.randint(1, 60))]
                for _ in range(rng.randint(1, 30))
            ]
        )
    return made


@pytest.fixture(scope="module")
def pairs(documents):
    rng = random.Random(1)
    return [
        pair
        for index in range(len(documents))
        for pair in hugging_face.pair_sentences(documents, index, rng)
    ]


@pytest.fixture(scope="module")
def padded(pairs):
    return hugging_face.pad(pairs, cls_id=CLS, sep_id=SEP, pad_id=PAD)


@pytest.fixture(scope="module")
def masked(padded):
    return hugging_face.mask(
        padded,
        special_ids=(CLS, SEP, PAD),
        mask_id=MASK,
        vocab_size=VOCAB_SIZE,
        rng=np.random.default_rng(2),
    )


def test_segments_are_spans_that_fit(pairs):
    for first, second, _ in pairs:
        assert 2 <= len(first) + len(second) <= hugging_face.MAX_TOKENS
        for segment in (first, second):
            assert segment == list(range(segment[0], segment[0] + len(segment)))


def test_only_actual_next_segments_are_of_the_same_document(pairs):
    for first, second, is_random in pairs:
        is_same = first[0] // 100_000 == second[0] // 100_000
        assert is_same != is_random
        assert is_random or second[0] > first[-1]
    assert 0.5 < np.mean([is_random for *_, is_random in pairs]) < 0.7


def test_every_sentence_is_used(documents, pairs):
    used = {token for first, second, _ in pairs for token in (*first, *second)}
    tokens = {token for document in documents for ids in document for token in ids}

    # Some tokens are cut off, and hardly any sentence is.
    assert len(used & tokens) > 0.9 * len(tokens)


def test_a_lone_document_ends():
    found = list(hugging_face.pair_sentences([[[7] * 50]], 0, random.Random(0)))

    assert len(found) == 1


def test_rows_are_padded_pairs(pairs, padded):
    for row, (first, second, is_random) in enumerate(pairs):
        ids = [CLS, *first, SEP, *second, SEP]
        rest = [PAD] * (hugging_face.MAX_SEQ_LENGTH - len(ids))
        types = [0] * (len(first) + 2) + [1] * (len(second) + 1)
        assert padded["input_ids"][row].tolist() == ids + rest
        assert padded["attention_mask"][row].tolist() == [1] * len(ids) + [0] * len(rest)
        assert padded["token_type_ids"][row].tolist() == types + [0] * len(rest)
        assert padded["next_sentence_label"][row] == is_random


def test_unmasking_restores_the_tokens(padded, masked):
    restored = masked["input_ids"].copy()
    rows, columns = np.nonzero(masked["masked_lm_weights"])
    positions = masked["masked_lm_positions"][rows, columns]
    restored[rows, positions] = masked["masked_lm_ids"][rows, columns]

    np.testing.assert_array_equal(restored, padded["input_ids"])
    assert not np.isin(padded["input_ids"][rows, positions], (CLS, SEP, PAD)).any()


def test_predictions_are_15_percent_in_order_and_padded(padded, masked):
    weights = masked["masked_lm_weights"]
    num_tokens = padded["attention_mask"].sum(axis=1)
    expected = [min(20, max(1, round(0.15 * count))) for count in num_tokens.tolist()]

    np.testing.assert_array_equal(weights.sum(axis=1), expected)
    for row, count in enumerate(expected):
        positions = masked["masked_lm_positions"][row]
        assert (np.diff(positions[:count]) > 0).all()
        assert not positions[count:].any()
        assert not masked["masked_lm_ids"][row, count:].any()


def test_shares_of_masked_kept_and_random_tokens(masked):
    rows, columns = np.nonzero(masked["masked_lm_weights"])
    hidden = masked["input_ids"][rows, masked["masked_lm_positions"][rows, columns]]
    labels = masked["masked_lm_ids"][rows, columns]
    bound = 4 * np.sqrt(0.8 * 0.2 / len(hidden))

    assert abs((hidden == MASK).mean() - 0.8) < bound
    assert abs((hidden == labels).mean() - 0.1) < bound
    assert hidden[(hidden != MASK) & (hidden != labels)].max() < VOCAB_SIZE
