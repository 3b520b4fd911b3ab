"""Sentences and their bytes, in the graph."""

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from bert_tf.data.sentence_spans import split_sentences


def split(text):
    return [
        each.decode() for each in split_sentences(tf.constant([text])).text.numpy()[0]
    ]


@pytest.mark.parametrize(
    "sentences",
    [
        [],
        ["no stop"],
        ["Hi there.", "Is it you?", "Yes!", "It is..."],
        ["Mr. Smith paid $1.13bn in the U.S. on Jan. 5.", "J. R. Ewing left."],
        ['"Why?" he asked.', '"No."', "“Quoted.”", "See www.bbc.co.uk (i.e. the web)."],
        ["Apple Inc. sold approx. 5 of them by 5 p.m. on Friday in Atlanta, Ga. for it."],
        ["He came at 5 p.m.", "She works for Acme Inc.", "It rained.", "and how."],
        ["Él comió café.", "Ça va?", "Ñu."],
    ],
)
def test_sentences(sentences):
    assert split(" ".join(sentences)) == sentences
    assert split("\r\n".join(sentences)) == sentences


def without_space(text):
    return "".join(text.decode("utf-8", "surrogateescape").split())


def test_marks_of_other_scripts():
    assert split("これは文です。二つ目の文。最後") == [
        "これは文です。",
        "二つ目の文。",
        "最後",
    ]


def test_wide_spaces():
    assert split("文。\u3000二つ。\u2028\u00a0最後\u3000") == ["文。", "二つ。", "最後"]


def test_line_breaks_end_sentences():
    assert split("a heading\n\n \tand a line \nanother.") == [
        "a heading",
        "and a line",
        "another.",
    ]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(alphabet="aÀ文.。!?\"”’')( \u3000\n\r\t5Mrü,\u2028", max_size=30),
            st.text(max_size=10),
        ).map(str.encode)
        | st.binary(max_size=10),
        max_size=4,
    )
)
def test_bytes_are_those_of_the_text(texts):
    sentences = split_sentences(tf.constant(texts, tf.string))

    assert sentences.text.nrows() == len(texts)
    for text, own, starts, ends in zip(
        texts, *(part.to_list() for part in sentences), strict=True
    ):
        assert [text[a:b] for a, b in zip(starts, ends, strict=True)] == own
        assert all(a <= b for a, b in zip(ends, starts[1:], strict=False))
        # Nothing is lost but white space.
        assert without_space(b"".join(own)) == without_space(text)
