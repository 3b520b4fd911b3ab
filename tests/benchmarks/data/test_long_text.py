"""Text as long as wanted, of documents that differ."""

import itertools
import lzma

import pytest

from benchmarks.data import long_text
from bert_tf import errors

DOCUMENTS = [("A b.", "C."), ("D e f.",)]


def test_documents_are_read_once_each_from_all_files(tmp_path):
    plain, packed = tmp_path / "plain.txt", tmp_path / "packed.txt.xz"
    plain.write_bytes(b"\n \nA b.\r\n C. \n\n\nD e f.")
    packed.write_bytes(lzma.compress("D e f.\n\nGü.\n".encode()))

    found = long_text.read_documents([str(plain), str(packed)])

    assert found == [*DOCUMENTS, ("Gü.",)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.txt", None, "No such file"),
        ("blank.txt", b"\n \n", "received none in"),
        ("cut.txt.xz", lzma.compress(b"A b.\n" * 99)[:-9], "ended before"),
        ("no.xz", b"A b.\n", "not supported"),
    ],
)
def test_text_that_cannot_be_used_is_told(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(errors.UserError, match=message):
        long_text.read_documents([str(path)])


def test_repetitions_differ_in_a_number_of_words():
    found = list(itertools.islice(long_text.repeat_documents(DOCUMENTS), 30))

    assert found[:2] == DOCUMENTS
    assert found[2:4] == [("A b. two", "C."), ("D e f. two",)]
    assert found[18] == ("A b. one zero", "C.")
    assert len(set(found)) == 30


def test_text_ends_with_the_document_that_makes_it_long_enough(tmp_path):
    path = tmp_path / "text.txt"

    long_text.write_text(DOCUMENTS, path, num_bytes=20)

    assert path.read_text() == "A b.\nC.\n\nD e f.\n\nA b. two\nC.\n\n"
