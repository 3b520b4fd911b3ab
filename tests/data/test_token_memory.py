"""Remembered tokens: the same as if every word were tokenized anew."""

import collections

import numpy as np
import pytest
from hypothesis import given, strategies

from bert_tf.data import token_memory
from bert_tf.data.token_memory import TokenMemory
from bert_tf.data.tokenization import BertTokenizer
from tests.made_documents import VOCABULARY

TOKENIZER = BertTokenizer(VOCABULARY, lower_case=True)
# Of few characters, so that words return; among them what ends words in other ways.
TEXTS = strategies.text(" \n\t\u2028\x00aBcde-É日Σ\u0301", max_size=60)


def tokenize_words(words):
    tokens = TOKENIZER.tokenize(words)
    return tokens.flat_values.numpy(), tokens.row_splits.numpy()


def lines_of(token_ids, line_splits):
    return [ids.tolist() for ids in np.split(token_ids, line_splits[1:-1])]


@given(strategies.lists(TEXTS, max_size=5))
def test_lines_have_the_tokens_of_the_tokenizer(texts):
    memory = TokenMemory(tokenize_words)
    for text in texts:
        lines = text.encode().split(b"\n")
        assert lines_of(*memory.tokenize(text.encode())) == (
            TOKENIZER.tokenize(lines).to_list()
        )


def test_each_word_is_tokenized_once():
    asked = collections.Counter()

    def tokenize(words):
        asked.update(words)
        return tokenize_words(words)

    memory = TokenMemory(tokenize)
    for text in (b"a b, a\n\nb, b", b"b c  a", b""):
        memory.tokenize(text)
    assert asked == {b"a": 1, b"b": 1, b"b,": 1, b"c": 1}


def test_many_words_are_told_apart():
    # The upper halves of some of their hashes are the same.
    words = np.random.default_rng(1).permutation(1 << 18)
    numbers = {b"%x" % word: number for number, word in enumerate(words)}
    memory = TokenMemory(
        lambda new: (np.array([numbers[word] for word in new]), np.arange(len(new) + 1))
    )
    text = b" ".join(numbers)
    for _ in range(2):
        token_ids, _ = memory.tokenize(text)
        np.testing.assert_array_equal(token_ids, np.arange(len(words)))


@pytest.mark.parametrize("limit", ["_MAX_WORDS", "_MAX_BYTES"])
def test_what_is_forgotten_is_learned_again(limit, monkeypatch):
    monkeypatch.setattr(token_memory, limit, 2)
    asked = []

    def tokenize(words):
        asked.append(words)
        return tokenize_words(words)

    memory = TokenMemory(tokenize)
    for text in (b"a bb c", b"a", b"a d"):
        expected = TOKENIZER.tokenize([text]).to_list()
        assert lines_of(*memory.tokenize(text)) == expected
    assert asked == [[b"a", b"bb", b"c"], [b"a"], [b"d"]]


def test_a_failure_leaves_nothing_half_known():
    failures = [MemoryError()]

    def tokenize(words):
        if failures:
            raise failures.pop()
        return tokenize_words(words)

    memory = TokenMemory(tokenize)
    with pytest.raises(MemoryError):
        memory.tokenize(b"a b")
    assert lines_of(*memory.tokenize(b"b a")) == TOKENIZER.tokenize([b"b a"]).to_list()
