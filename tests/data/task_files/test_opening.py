"""JSON in files of examples, and what is told where it is broken."""

import json
import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bert_tf.data.task_files.opening import parse_json, read_lines
from bert_tf.errors import UserError
from tests.compression import COMPRESS


@given(text=st.text('\\"ud83dDC00\n\ud83d\udc00é😀'), is_ascii=st.booleans())
def test_texts_are_those_that_utf_8_can_hold(text, is_ascii):
    written = json.dumps([text])
    expected = json.loads(written)
    try:
        expected[0].encode()
    except UnicodeEncodeError:
        with pytest.raises(UserError, match=r"a:7: expected JSON, received \\ud"):
            parse_json("a", written, line=7)
        return
    if not is_ascii:
        written = json.dumps(expected, ensure_ascii=False)

    assert parse_json("a", written) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["\\ud83d\\ude00",\n"\\uDE00"]', r"a:4: .* \\uDE00, which is half of a char"),
        ('["\\ud83d",\n"\\ude00"]', r"a:3: .* \\ud83d, which is half of a character"),
        ("[\n1,\n", r"a:5: expected JSON, received no JSON \(Expecting value\); mend it"),
        ("[" * 100_000, r"a:3: expected JSON, received no JSON \(maximum recursion"),
        ("9" * 5_000, r"a:3: expected JSON, received no JSON \(Exceeds the limit"),
    ],
)
def test_broken_json(text, message):
    with pytest.raises(UserError, match=message):
        parse_json("a", text, line=3)


def test_zst_of_several_frames(tmp_path):
    path = tmp_path / "a.tsv.zst"
    path.write_bytes(zstandard.compress(b"one\n") + zstandard.compress(b"two\n"))

    assert [line for _, line in read_lines(str(path))] == ["one", "two"]


@pytest.mark.parametrize(("ending", "compress"), COMPRESS.items())
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_truncated_file_is_damaged(tmp_path, ending, compress, share):
    content = compress(random.Random(0).randbytes(500_000).hex().encode())
    path = tmp_path / f"a.tsv{ending}"
    path.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(UserError, match=rf"compressed as {ending}, .* which is damaged"):
        next(read_lines(str(path)))


def test_carriage_returns_alone_end_lines(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"one\rtwo")

    assert list(read_lines(str(path))) == [(1, "one"), (2, "two")]
