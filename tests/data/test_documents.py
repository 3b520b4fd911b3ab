"""Reading documents: every one once, wherever the ranges are cut."""

import io

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from bert_tf.data import documents


def read(content, *, range_bytes=1 << 30, input_format="sentences"):
    stream = io.BytesIO(content)
    return [
        found
        for part in documents.byte_ranges(
            "a.txt", size=len(content), range_bytes=range_bytes
        )
        for found in documents.read_documents(stream, part, input_format=input_format)
    ]


def sentences_of(content, **options):
    return [list(found.sentences) for found in read(content, **options)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n\n", []),
        (b"One.\nTwo.\n\nThree.\n", [["One.", "Two."], ["Three."]]),
        (b"One.\nTwo.", [["One.", "Two."]]),  # no line feed at the end
        (b"One.\r\n\r\nTwo.\r\n", [["One."], ["Two."]]),
        (b"\xef\xbb\xbfOne.\n\nTwo.\n", [["One."], ["Two."]]),  # a byte order mark
        (b"\xef\xbb\xbf\nOne.", [["One."]]),
        (b"\n\nOne.\n \t\n\n\nTwo.\n\n", [["One."], ["Two."]]),
        ("One.\n\u3000\u00a0\nTwo.".encode(), [["One."], ["Two."]]),  # wide spaces
        ("One\u2028line.\nTwo\x0cpages.".encode(), [["One line.", "Two pages."]]),
        (b"  One \t sentence. \n", [["One sentence."]]),
        ("Größe\n中文".encode(), [["Größe", "中文"]]),
    ],
)
def test_sentences_and_documents(content, expected):
    assert sentences_of(content) == expected


def test_prose_is_joined_and_split():
    content = b"It was the best of\ntimes. It was\nthe worst.\n\nHe left.\n"
    assert sentences_of(content, input_format="prose") == [
        ["It was the best of times.", "It was the worst."],
        ["He left."],
    ]


def test_offsets_are_those_of_the_first_lines():
    assert [found.offset for found in read(b"\nOne.\nTwo.\n\n\nThree.\n")] == [1, 13]


def test_only_the_document_that_is_not_utf8_is_bad():
    found = read(b"One.\n\nTwo.\nTh\xffee.\n\nFour.\n")
    assert [type(each) for each in found] == [
        documents.Document,
        documents.BadDocument,
        documents.Document,
    ]
    assert (found[1].path, found[1].offset, found[1].reason) == ("a.txt", 6, "not_utf8")
    assert "0xff" in found[1].detail


lines = strategies.sampled_from(
    [
        b"\n",
        b" \n",
        b"\r\n",
        b"a\n",
        b"bc\r\n",
        "\u3000\n".encode(),
        "é\n".encode(),
        b"\xff\n",
    ]
)


@hypothesis.given(
    strategies.lists(lines, max_size=12).map(b"".join),
    strategies.sampled_from([b"", b"last", b"\xef\xbb\xbf"]),
    strategies.integers(1, 20),
)
def test_every_cut_gives_the_same_documents(content, end, range_bytes):
    content += end
    assert read(content, range_bytes=range_bytes) == read(content)


def test_the_key_is_of_the_content_alone():
    first, second, third = (
        documents.Document(path=path, offset=offset, sentences=sentences)
        for path, offset, sentences in [
            ("a", 0, ("One.", "Two.")),
            ("b", 9, ("One.", "Two.")),
            ("a", 0, ("One. Two.",)),
        ]
    )
    assert first.key() == second.key() != third.key()
    assert len(first.key()) == 16


def test_the_key_does_not_change_between_releases():
    document = documents.Document(path="a", offset=0, sentences=("One.", "Two."))
    assert document.key().hex() == "93ddaa9436c1d8e0f38ad6faf89c1b9d"


@hypothesis.given(
    strategies.lists(strategies.integers(1, 9), min_size=1, max_size=5),
    strategies.sampled_from([np.uint16, np.uint32]),
    strategies.binary(min_size=16, max_size=16),
)
def test_payloads_round_trip(lengths, dtype, key):
    document = documents.TokenizedDocument(
        key=key,
        token_ids=np.arange(sum(lengths), dtype=dtype) + 60_000,
        sentence_ends=np.cumsum(lengths).astype(np.uint32),
    )
    found = documents.TokenizedDocument.from_bytes(document.to_bytes())
    assert found.key == key
    assert found.token_ids.dtype == dtype
    np.testing.assert_array_equal(found.token_ids, document.token_ids)
    np.testing.assert_array_equal(found.sentence_ends, document.sentence_ends)


def test_tokens_return_to_their_documents():
    read_documents = [
        documents.Document(path="a", offset=0, sentences=("x", "\u0001", "y")),
        documents.Document(path="a", offset=9, sentences=("\u0001",)),
        documents.Document(path="a", offset=12, sentences=("z",)),
    ]
    first, bad, last = documents.tokenized_documents(
        read_documents,
        token_ids=np.array([5, 6, 7, 8]),
        sentence_ends=np.array([2, 2, 3, 3, 4]),
        vocab_size=70_000,
    )
    assert first.token_ids.tolist() == [5, 6, 7]
    assert first.token_ids.dtype == np.uint32
    assert first.sentence_ends.tolist() == [2, 3]  # the sentence without tokens is gone
    assert (bad.offset, bad.reason) == (9, "no_tokens")
    assert (last.token_ids.tolist(), last.sentence_ends.tolist()) == ([8], [1])
