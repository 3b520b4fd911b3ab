"""The one text of all systems."""

import numpy as np
import pytest

from benchmarks.pretraining import corpus
from bert_tf.data.vocab import load_vocabulary
from bert_tf.errors import UserError

WORDS = ["time", "year", "people", "way", "day", "man", "woman", "two", "three", "four"]
DOCUMENTS = [
    (f"{first} {second} {third}", "people way " * 80)
    for first in WORDS
    for second in WORDS
    for third in WORDS[:2]
]


def test_a_twentieth_is_held_out():
    share = np.mean([corpus.is_held_out((f"document {i}",)) for i in range(20_000)])

    assert share == pytest.approx(0.05, abs=5 * (0.05 * 0.95 / 20_000) ** 0.5)


def test_documents_are_cut_into_rows():
    ids = np.arange(10, 140)

    rows = list(corpus.cut(ids, cls_id=2, sep_id=3, pad_id=0))

    assert rows[0] == [2, *range(10, 136), 3]
    assert rows[1] == [2, *range(136, 140), 3, *[0] * 122]
    assert list(corpus.cut(ids[:0], cls_id=2, sep_id=3, pad_id=0)) == []


@pytest.mark.slow
def test_files_are_of_one_vocabulary_and_split(tmp_path):
    corpus.make(DOCUMENTS, tmp_path, vocab_size=60)

    vocabulary = load_vocabulary(tmp_path / "vocab.txt")
    assert len(vocabulary) == corpus.vocab_size(tmp_path)
    assert (vocabulary.pad_id, vocabulary.mask_id) == (0, 4)
    train = np.load(tmp_path / "train.npz")["input_word_ids"]
    held_out = dict(np.load(tmp_path / "held_out.npz"))
    num_held_out = sum(map(corpus.is_held_out, DOCUMENTS))
    assert len(held_out["input_mask"]) == 2 * num_held_out
    assert len(train) == 2 * (len(DOCUMENTS) - num_held_out)
    for name in ("static", "dynamic"):
        assert (tmp_path / name / "manifest.json").exists()

    # With what is hidden put back, held-out rows are rows of documents again.
    rows, slots = np.nonzero(held_out["masked_lm_weights"])
    positions = held_out["masked_lm_positions"][rows, slots]
    restored = held_out["input_word_ids"].copy()
    assert (restored[rows, positions] == vocabulary.mask_id).mean() > 0.7
    restored[rows, positions] = held_out["masked_lm_ids"][rows, slots]
    assert not (restored == vocabulary.mask_id).any()
    assert (restored[:, 0] == vocabulary.cls_id).all()
    # Two words make up most of the text.
    assert 0 < corpus.frequencies_loss(tmp_path) < np.log(3)


def test_too_little_text_is_told(tmp_path):
    documents = [each for each in DOCUMENTS if not corpus.is_held_out(each)]

    with pytest.raises(UserError, match=r"received \d+ and 0; give more text"):
        corpus.make(documents, tmp_path, vocab_size=60)
