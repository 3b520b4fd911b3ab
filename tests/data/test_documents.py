"""Documents and the ranges they are read by."""

import pytest

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
