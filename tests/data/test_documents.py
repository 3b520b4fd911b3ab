"""Documents and payloads."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from bert_tf.data import documents


def make_document(text, *, path="a", offset=0):
    return documents.Document(path=path, offset=offset, num_bytes=len(text), text=text)


@pytest.mark.parametrize(
    ("size", "range_bytes", "cuts"),
    [(0, 4, [(0, None)]), (4, 4, [(0, None)]), (9, 4, [(0, 4), (4, 8), (8, 9)])],
)
def test_ranges_cover_a_file(size, range_bytes, cuts):
    found = documents.byte_ranges("a", size=size, range_bytes=range_bytes)
    assert [(part.start, part.end) for part in found] == cuts
    assert {part.path for part in found} == {"a"}


def test_the_key_is_of_the_content_alone():
    first = make_document(b"One.\nTwo.")
    second = make_document(b"One.\nTwo.", path="b", offset=9)
    third = make_document(b"One. Two.")
    assert first.key() == second.key() != third.key()
    assert len(first.key()) == 16


def test_the_key_does_not_change_between_releases():
    key = make_document(b"One.\nTwo.").key()
    assert key.hex() == "93ddaa9436c1d8e0f38ad6faf89c1b9d"


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
        make_document(b"x\n\x01\ny"),
        make_document(b"\x01", offset=9),
        make_document(b"z", offset=12),
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
    assert (bad.offset, bad.num_bytes, bad.reason) == (9, 1, "no_tokens")
    assert (last.token_ids.tolist(), last.sentence_ends.tolist()) == ([8], [1])
