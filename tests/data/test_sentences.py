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
        ("'Is it so?' It was. 'Then go.", ["'Is it so?'", "It was.", "'Then go."]),
        ("no full stop", ["no full stop"]),
        (" \r\n\t ", []),
        ("", []),
    ],
)
def test_examples(text, expected):
    assert sentences.split_sentences(text) == expected


def test_languages_have_abbreviations():
    text = "Am 3. Oktober 1990 war es so weit. Ja."
    assert sentences.split_sentences(text, "de") == [text[:-4], "Ja."]
    assert len(sentences.split_sentences(text, "en")) == 3


SPEECH = ["He said: {}No. I am not.{}", "{}Why?{} Tom asked.", "{}I go.{} She went."]


@pytest.mark.parametrize("opening,closing", ['""', "''", "“”"])
def test_a_mark_without_its_partner_swallows_no_pages(opening, closing):
    speech = " ".join(SPEECH * 100).format(*[opening, closing] * 300)
    for text in (speech, opening + speech, speech.replace(closing, "", 1)):
        found = sentences.split_sentences(text)
        assert len(found) > 350
        assert max(map(len, found)) < 150
        assert not any(sentence.endswith(" " + opening) for sentence in found)


@hypothesis.given(
    strategies.text(max_size=200)
    | strategies.lists(
        strategies.sampled_from([". ", "! ", "? ", "a", "Bc ", '"', "'", "“", "”", " "]),
        max_size=300,
    ).map("".join)
)
def test_every_character_is_in_exactly_one_sentence(text):
    found = sentences.split_sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sentence == sentence.strip() != "" for sentence in found)


def test_a_paragraph_of_a_megabyte_takes_no_minutes():
    text = "It was the best of times (or so they say). " * 25_000
    assert len(sentences.split_sentences(text)) == 25_000
