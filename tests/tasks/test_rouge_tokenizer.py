"""Words for ROUGE, beside rouge_score's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer

from bert_tf.tasks.rouge_tokenizer import RougeTokenizer

ENGLISH = (
    "The U.S. economy's running: 3.5% growth, up_from 2nd-quarter estimates!",
    "It ran happily;\tthe (so-called) experts weren't surprised.\n",
)


@given(st.one_of(st.text(st.characters(max_codepoint=127)), st.sampled_from(ENGLISH)))
def test_ascii_is_split_as_rouge_score_does(text):
    expected = DefaultTokenizer(use_stemmer=True).tokenize(text)

    assert RougeTokenizer().tokenize(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Кошка сидела, и спала.", ["кошка", "сидела", "и", "спала"]),
        ("猫坐在BERT上。", ["猫", "坐", "在", "bert", "上"]),
        ("ネコ는", ["ネ", "コ", "는"]),
        ("Élodie’s cats", ["élodie", "s", "cat"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
    ],
)
def test_other_alphabets(text, words):
    assert RougeTokenizer().tokenize(text) == words


@pytest.mark.parametrize(
    ("expected", "received"), [("Кошка спала.", "спала собака"), ("猫在睡觉", "狗在睡觉")]
)
def test_scores_of_other_alphabets(expected, received):
    scorer = RougeScorer(["rouge1", "rougeLsum"], tokenizer=RougeTokenizer())

    scores = scorer.score(expected, received)

    num_words = len(RougeTokenizer().tokenize(expected))
    share = (num_words - 1) / num_words  # all but one
    assert scores["rouge1"].fmeasure == pytest.approx(share)
    assert 0 < scores["rougeLsum"].fmeasure <= share
