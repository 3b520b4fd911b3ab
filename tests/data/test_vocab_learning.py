"""Learned vocabularies hold every frequent character, and as many pieces as asked."""

import collections
import random

import pytest

from bert_tf.config import SPECIAL_TOKENS
from bert_tf.data.vocab_learning import learn_vocabulary
from bert_tf.errors import UserError
from tests.data import reference_tokenization as reference

STEMS = ["walk", "talk", "jump", "read", "paint", "climb", "open", "close", "answer"]
ENDINGS = ["", "s", "ed", "ing", "er", "ers"]
COUNTS = {stem + ending: 3 + 7 * i for i, stem in enumerate(STEMS) for ending in ENDINGS}


def test_a_frequent_character_is_kept_though_its_words_have_rare_ones():
    counts = {f"q{rare}": 1 for rare in "zyxwvu"} | {f"{rare}k": 1 for rare in "zyxwvu"}

    learned = learn_vocabulary(counts | {"aa": 9}, vocab_size=50, min_character_count=5)

    assert {"q", "##k", "a", "##a"} <= set(learned.tokens)
    assert not {"z", "##z"} & set(learned.tokens)


def learn(counts, *, vocab_size=200, min_character_count=1):
    return learn_vocabulary(
        counts, vocab_size=vocab_size, min_character_count=min_character_count
    )


def test_special_tokens_then_characters_then_pieces():
    vocabulary = learn(COUNTS)
    characters = sorted({w[0] for w in COUNTS}) + sorted(
        {f"##{character}" for word in COUNTS for character in word[1:]}
    )
    assert vocabulary.tokens[: 5 + len(characters)] == (*SPECIAL_TOKENS, *characters)
    assert {"walking", "painters", "open"} <= set(vocabulary.tokens)


def test_no_word_is_unknown():
    vocabulary = learn(COUNTS, vocab_size=60)
    for word in COUNTS:
        assert "[UNK]" not in reference.tokenize(word, vocabulary.ids, lower_case=True)


@pytest.mark.parametrize("vocab_size", [38, 39, 45, 60, 80])
def test_size_is_exact_where_there_are_enough_pieces(vocab_size):
    assert len(learn(COUNTS, vocab_size=vocab_size)) == vocab_size


def test_all_pieces_there_are():
    vocabulary = learn({"ab": 2, "ac": 1}, vocab_size=1000)
    assert vocabulary.tokens[5:] == ("a", "##b", "##c", "ab")


def test_order_of_words_does_not_matter():
    words = list(COUNTS.items())
    random.Random(3).shuffle(words)
    assert learn(dict(words), vocab_size=60) == learn(COUNTS, vocab_size=60)


def test_rare_characters_are_left_out_with_their_words():
    counts = {**COUNTS, "quartz": 4, "ẑ": 4}
    kept = learn(counts, min_character_count=4)
    assert "##z" in kept.ids
    assert "ẑ" in kept.ids
    dropped = learn(counts, min_character_count=5)
    assert dropped == learn(COUNTS)


def test_long_words_give_their_characters_only():
    vocabulary = learn({"x" * 60: 9, "ab": 9}, vocab_size=100)
    assert vocabulary.tokens[5:] == ("a", "x", "##b", "##x", "ab")


def test_more_characters_than_tokens():
    alphabet = collections.Counter("abcdefgh")
    with pytest.raises(UserError, match=r"at least 13 tokens for 8 char.* received 12"):
        learn(alphabet, vocab_size=12)
    assert len(learn(alphabet, vocab_size=13)) == 13


@pytest.mark.parametrize("counts", [{}, {"rare": 1}])
def test_no_words(counts):
    with pytest.raises(UserError, match="give more text"):
        learn(counts, min_character_count=2)
