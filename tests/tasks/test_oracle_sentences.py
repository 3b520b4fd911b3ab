"""The greedy choice of sentences, beside a slow one by the rouge_score package."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer
from rouge_score.tokenizers import DefaultTokenizer

from bert_tf.tasks.oracle_sentences import MAX_SENTENCES, oracle_sentences

WORDS = ("cats", "cat", "running", "runs", "the", "mat", "of", "happily")


def slow_oracle(sentences, summary):
    """The same by rouge_score's own counts, all of them anew for each candidate."""
    tokenizer = DefaultTokenizer(use_stemmer=True)

    def ngrams(texts, size):
        counts = [
            rouge_scorer._create_ngrams(tokenizer.tokenize(text), size) for text in texts
        ]
        return sum(counts, start=rouge_scorer._create_ngrams([], size))

    def score(chosen):
        return sum(
            rouge_scorer._score_ngrams(
                ngrams(summary.split("\n"), size),
                ngrams([sentences[number] for number in chosen], size),
            ).fmeasure
            for size in (1, 2)
        )

    chosen = []
    while len(chosen) < min(MAX_SENTENCES, len(sentences)):
        others = [n for n in range(len(sentences)) if n not in chosen]
        best = max(others, key=lambda number: score([*chosen, number]))
        if score([*chosen, best]) <= score(chosen):
            break
        chosen.append(best)
    return sorted(chosen)


def test_the_sentences_that_the_summary_is_of():
    sentences = ["A dog barked.", "The cat sat.", "It rained.", "Bob ran home."]

    assert oracle_sentences(sentences, "Bob ran home.\nThe cat sat.") == [1, 3]


def test_sentences_of_another_alphabet():
    sentences = ["Собака лаяла.", "Кошка сидела.", "猫坐着。"]

    assert oracle_sentences(sentences, "кошка сидела\n猫坐") == [1, 2]


def test_no_more_than_three():
    sentences = ["one two", "three four", "five six", "seven eight"]

    assert oracle_sentences(sentences, "\n".join(sentences)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("sentences", "summary"), [([], "a cat"), (["a dog"], ""), (["a dog", ""], "cat")]
)
def test_nothing_in_common(sentences, summary):
    assert oracle_sentences(sentences, summary) == []


texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(sentences=st.lists(texts, max_size=8), summary=st.lists(texts, max_size=3))
def test_it_is_the_slow_one(sentences, summary):
    summary = "\n".join(summary)

    assert oracle_sentences(sentences, summary) == slow_oracle(sentences, summary)


def test_it_is_fast():
    rng = random.Random(0)
    words = [f"word{number}" for number in range(2000)]
    articles = [
        [" ".join(rng.choices(words, k=22)) for _ in range(30)] for _ in range(50)
    ]

    start = time.process_time()
    for sentences in articles:
        oracle_sentences(sentences, "\n".join(sentences[10:13]))

    # 2,000 of them take seconds: about 2 ms each; the bound is for busy machines.
    assert (time.process_time() - start) / len(articles) < 0.05
