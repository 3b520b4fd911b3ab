"""Sentence splitting: nothing is lost, whatever the language."""

import hypothesis
import pytest
from hypothesis import strategies

from bert_tf.data import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He left. Why?", ["He left.", "Why?"]),
        ("He met Mr. Smith.  She did\nnot.", ["He met Mr. Smith.", "She did not."]),
        ("J. R. R. Tolkien wrote it.", ["J. R. R. Tolkien wrote it."]),
        ("“Stop!” he cried. “Why?”", ["“Stop!” he cried.", "“Why?”"]),
        (
            "今天天气很好。我们去公园吧！好的。",
            ["今天天气很好。", "我们去公园吧！", "好的。"],
        ),
        ("यह एक वाक्य है। यह दूसरा है।", ["यह एक वाक्य है।", "यह दूसरा है।"]),
        ("كيف حالك؟ أنا بخير.", ["كيف حالك؟", "أنا بخير."]),
        ("no full stop", ["no full stop"]),
        (" \r\n\t ", []),
        ("", []),
    ],
)
def test_examples(text, expected):
    assert sentences.split_sentences(text) == expected


@hypothesis.given(strategies.text(max_size=200))
def test_every_character_is_in_exactly_one_sentence(text):
    found = sentences.split_sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence == sentence.strip() != "" for sentence in found)


def test_a_paragraph_of_a_megabyte_takes_no_minutes():
    text = "It was the best of times (or so they say). " * 25_000
    assert len(sentences.split_sentences(text)) == 25_000
