"""Texts have exactly the tokens that are asked for."""

import pytest
import tensorflow as tf

from benchmarks.serving import texts
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import Vocabulary
from bert_tf.errors import UserError
from tests.benchmarks.serving.made_words import VOCABULARY, WORDS

TOKENIZER = BertTokenizer(VOCABULARY, lower_case=True)


@pytest.mark.parametrize("length", [3, 4, 14, 15, 16, 64, 128])
def test_a_text_has_that_many_tokens(length):
    made = texts.make_texts(VOCABULARY, length)

    tokens = TOKENIZER.tokenize(tf.constant(made))

    assert len(made) == texts.NUM_TEXTS
    assert {len(row) + 2 for row in tokens.to_list()} == {length}
    assert VOCABULARY.unk_id not in tokens.flat_values


def test_texts_differ_and_are_the_same_each_time():
    made = texts.make_texts(VOCABULARY, 16)

    assert len(set(made)) == len(made)
    assert texts.make_texts(VOCABULARY, 16) == made
    assert made[0].split()[0].istitle()


def test_whole_words_of_lower_case_are_used():
    words = " ".join(texts.make_texts(VOCABULARY, 128)).lower().replace(".", "").split()

    assert set(words) <= set(WORDS)


def test_batches_are_whole():
    assert all(texts.NUM_TEXTS % size == 0 for size in texts.BATCH_SIZES)


def test_the_made_vocabulary_is_of_the_published_size():
    vocabulary = texts.make_vocabulary()

    assert len(vocabulary) == 30522
    assert vocabulary.digest == texts.make_vocabulary().digest
    assert texts.make_texts(vocabulary, 8)


def test_a_vocabulary_without_words_is_told():
    with pytest.raises(UserError, match="--vocab_file: expected at least 1000 words"):
        texts.make_texts(Vocabulary(VOCABULARY.tokens[:500]), 16)
