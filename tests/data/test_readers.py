"""Reading documents: every one once, wherever the file is cut; every byte told of."""

import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tarfile

import hypothesis
import pytest
from hypothesis import strategies

from bert_tf.data import documents, readers
from tests.data import reference_readers

REPOSITORY = pathlib.Path(__file__).parents[2]
TEXT_FORMATS = ("sentences", "prose", "prose_files", "lines", "jsonl", "wikiextractor")


def read(content, *, range_bytes=1 << 40, input_format="sentences", **options):
    stream = io.BytesIO(content)
    return [
        found
        for part in documents.byte_ranges(
            "a.txt", size=len(content), range_bytes=range_bytes
        )
        for found in readers.read_documents(
            stream, part, input_format=input_format, **options
        )
    ]


def texts(content, **options):
    return [found.text.decode().split("\n") for found in read(content, **options)]


def reasons(content, **options):
    """Of bad documents; of good ones their text."""
    return [
        (found.offset, found.num_bytes, getattr(found, "reason", None) or found.text)
        for found in read(content, **options)
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n\n", []),
        (b"One.\nTwo.\n\nThree.\n", [["One.", "Two."], ["Three."]]),
        (b"One.\nTwo.", [["One.", "Two."]]),  # no line feed at the end
        (b"One.\r\n\r\nTwo.\r\n", [["One."], ["Two."]]),
        (b"One.\rStill one.", [["One. Still one."]]),
        (b"\xef\xbb\xbfOne.\n\nTwo.\n", [["One."], ["Two."]]),  # a byte order mark
        (b"\xef\xbb\xbf\nOne.", [["One."]]),
        (b"One.\n\n\xef\xbb\xbfTwo.", [["One."], ["Two."]]),
        (b"One.\n\xef\xbb\xbfTwo.\n", [["One.", "Two."]]),
        (b"\n\nOne.\n \t\n\n\nTwo.\n\n", [["One."], ["Two."]]),
        ("One.\n\u3000\u00a0\nTwo.".encode(), [["One."], ["Two."]]),  # wide spaces
        ("One\u2028line.\nTwo\x0cpages.".encode(), [["One line.", "Two pages."]]),
        ("a\u2029b\u0085c\x1cd".encode(), [["a b c d"]]),
        (b"a\0b", [["a\0b"]]),
        (b"  One \t sentence. \n", [["One sentence."]]),
        ("Größe\n中文\u3000".encode(), [["Größe", "中文"]]),
        (b"a\n" + b" " * 4096 + b"\nb", [["a"], ["b"]]),
        (b"a\n" + b" " * 4097 + b"\nb", [["a", "b"]]),
    ],
)
def test_sentences_and_documents(content, expected):
    assert texts(content) == expected


def test_prose_is_joined_and_split():
    content = b"It was the best of\ntimes. It was\nthe worst.\n\nHe left.\n"
    assert texts(content, input_format="prose") == [
        ["It was the best of times.", "It was the worst."],
        ["He left."],
    ]


def test_a_file_of_prose_is_a_document_of_paragraphs():
    content = b"\xef\xbb\xbfCHAPTER I\r\n\r\nIt was the\r\nbest. It\r\n \r\nHe left.\r\n"
    assert texts(content, input_format="prose_files") == [
        ["CHAPTER I", "It was the best.", "It", "He left."]
    ]


def test_json_lines():
    content = (
        b'{"text": "He left. Why?\\n\\nNo\\r\\nend. Gr\\u00f6\\u00dfe", "id": 1}\r\n\n'
        b'\xef\xbb\xbf{"id": 2, "text": "Two."}\n{"text": " "}\n{"text": "Last."}'
    )
    assert texts(content, input_format="jsonl") == [
        ["He left.", "Why?", "No", "end.", "Größe"],
        ["Two."],
        ["Last."],
    ]
    content = b'{"text": 1, "body": "a"}'
    assert texts(content, input_format="jsonl", text_field="body") == [["a"]]


def test_wikipedia():
    content = (
        b'<doc id="1" url="x?a=b" title=""AT&amp;T" Inc.">\n"AT&amp;T" Inc.\n\n'
        b"A company. It sells &lt;b&gt;.\nHistory.\n\n</doc>\n"
        b'<doc id="2" url="x" title="Empty">\nEmpty\n\n</doc>\n'
        b'<doc id="3" url="x" title="Other">\r\nAnother. Other\r\n</doc>\x1c\r\n'
    )
    assert texts(content, input_format="wikiextractor") == [
        ["A company.", "It sells <b>.", "History."],
        ["Another.", "Other"],
    ]


def test_lines_are_read_in_runs(monkeypatch):
    monkeypatch.setattr(readers, "_RUN_BYTES", 20)
    monkeypatch.setattr(readers, "MAX_DOCUMENT_BYTES", 10)
    content = b"One. Two.\n\nThree.\n \nFour.\nFi\xffe.\nSix.\n12345678901\nEnd."
    assert reasons(content, input_format="lines", language=None) == [
        (0, 17, b"One. Two.\nThree."),
        (20, 5, b"Four."),
        (26, 5, "not_utf8"),
        (32, 4, b"Six."),
        (37, 12, "document_too_long"),
        (49, 4, b"End."),
    ]


def test_paragraphs_stay_whole_without_a_language():
    content = b'{"text": "He left. Why?\\n\\n  No \\n"}'
    assert texts(content, input_format="jsonl", language=None) == [
        ["He left. Why?", "No"]
    ]
    content = b"He left. Why?\nNo.\n\nNone."
    assert texts(content, input_format="prose_files", language=None) == [
        ["He left. Why? No.", "None."]
    ]


def test_only_the_document_that_cannot_be_used_is_bad():
    assert reasons(b"One.\n\nTwo.\nTh\xffee.\n\nFour.\n") == [
        (0, 4, b"One."),
        (6, 11, "not_utf8"),
        (19, 5, b"Four."),
    ]
    (_, bad, _) = read(b"One.\n\nTwo.\nTh\xffee.\n\nFour.\n")
    assert bad.path == "a.txt"
    assert "0xff in position 7" in bad.detail
    lines = [
        b'{"text": "a"}',
        b'{"text": "a"',
        b"\xff",
        b"[1]",
        b'{"text": null}',
        b'{"Text": "a"}',
        b'{"text": "\\ud800"}',
        b"[" * 100_000,
    ]
    assert [
        reason for _, _, reason in reasons(b"\n".join(lines), input_format="jsonl")
    ] == [
        b"a",
        "not_json",
        "not_utf8",
        "no_text_field",
        "no_text_field",
        "no_text_field",
        "not_utf8",
        "not_json",
    ]
    content = b"a\n<doc b>\nc\n<doc d>\ne\n</doc>\n\nf\n</doc> \ng\n<doc h>"
    assert reasons(content, input_format="wikiextractor") == [
        (0, 1, "outside_doc"),
        (2, 9, "unclosed_doc"),
        (12, 16, b"e"),
        (30, 8, "outside_doc"),
        (40, 1, "outside_doc"),
        (42, 7, "unclosed_doc"),
    ]


def test_too_long_documents_are_skipped(monkeypatch):
    monkeypatch.setattr(readers, "MAX_DOCUMENT_BYTES", 10)
    assert reasons(b"1234567890\n123456789\n[]\n", input_format="jsonl") == [
        (0, 11, "document_too_long"),
        (11, 9, "no_text_field"),
        (21, 2, "no_text_field"),
    ]
    assert reasons(b"a\n\nfour\nfive.\n\nb") == [
        (0, 1, b"a"),
        (2, 12, "document_too_long"),
        (15, 1, b"b"),
    ]
    assert reasons(b"a\n\n12345678\n", input_format="prose_files") == [
        (0, 12, "document_too_long")
    ]


FRAGMENTS = [
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\r",
    b" ",
    b"\t\x1c",
    b"\0",
    b"a",
    b"One. Two!",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xe3\x80",
    "\u3000".encode(),
    "\u2028".encode(),
    "é中".encode(),
    b'{"text": "a\\nb"}\n',
    b'{"text":',
    b'" "}',
    b'\n<doc title="a">\n',
    b"<doc ",
    b"\na\n",
    b"\n</doc>\n",
    b"</doc> \n",
]
contents = strategies.lists(
    strategies.sampled_from(FRAGMENTS) | strategies.binary(max_size=3), max_size=20
).map(b"".join)


def check_every_byte_is_told_of(content, found, input_format):
    """That spans do not overlap, and only blanks and empty documents are in none."""
    position = 0
    for each in sorted(found, key=lambda each: each.offset):
        assert each.offset >= position
        assert each.num_bytes > 0
        assert not reference_readers.read(content[position : each.offset], input_format)
        position = each.offset + each.num_bytes
    assert position <= len(content)
    assert not reference_readers.read(content[position:], input_format)


def check(content, input_format, *, range_bytes, chunk_bytes, max_bytes):
    """That a simple reader finds the same."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(readers, "_CHUNK_BYTES", chunk_bytes)
        patched.setattr(readers, "MAX_DOCUMENT_BYTES", max_bytes)
        patched.setattr(readers, "_RUN_BYTES", 1)  # each line is one
        found = read(
            content,
            range_bytes=1 << 40 if input_format == "prose_files" else range_bytes,
            input_format=input_format,
        )
    assert [
        (each.offset, each.text.decode())
        if isinstance(each, documents.Document)
        else (each.offset, each.reason)
        for each in found
    ] == reference_readers.read(content, input_format, max_bytes=max_bytes)
    check_every_byte_is_told_of(content, found, input_format)


@hypothesis.given(
    content=contents,
    input_format=strategies.sampled_from(TEXT_FORMATS),
    range_bytes=strategies.integers(1, 30),
    chunk_bytes=strategies.integers(1, 30),
    max_bytes=strategies.sampled_from([5, 20, 1 << 20]),
)
@hypothesis.settings(max_examples=1000)
def test_every_cut_gives_what_a_simple_reader_gives(content, input_format, **cuts):
    check(content, input_format, **cuts)


@hypothesis.given(
    content=contents,
    range_bytes=strategies.integers(1, 30),
    run_bytes=strategies.integers(1, 30),
    max_bytes=strategies.sampled_from([5, 1 << 20]),
)
def test_runs_have_all_lines(content, range_bytes, run_bytes, max_bytes):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(readers, "MAX_DOCUMENT_BYTES", max_bytes)
        patched.setattr(readers, "_RUN_BYTES", run_bytes)
        found = read(content, range_bytes=range_bytes, input_format="lines")
    lines = [
        line
        for each in found
        for line in (getattr(each, "reason", None) or each.text.decode()).split("\n")
    ]
    expected = [
        line
        for _, text in reference_readers.read(content, "lines", max_bytes=max_bytes)
        for line in text.split("\n")
    ]
    assert lines == expected
    check_every_byte_is_told_of(content, found, "lines")


long_lines = strategies.sampled_from(
    [
        b"",
        b"x",
        b" " * 4096,
        b"\xe3\x80\x80" * 4096,
        b" " * 4097,
        b" " * 20_000,
        b"y" * 19_990,
        b"y" * 20_000,
    ]
)


@hypothesis.given(
    content=strategies.lists(long_lines, max_size=8).map(b"\n".join),
    range_bytes=strategies.integers(5000, 60_000),
    chunk_bytes=strategies.integers(2000, 30_000),
    max_bytes=strategies.sampled_from([10, 20_000, 1 << 20]),
)
@hypothesis.settings(max_examples=50)
def test_what_is_dropped_on_the_way_changes_nothing(content, **cuts):
    check(content, "sentences", **cuts)


@hypothesis.given(contents, strategies.sampled_from(TEXT_FORMATS))
def test_line_ends_do_not_matter(content, input_format):
    content = content.replace(b"\r", b"")
    found, same = (
        [
            getattr(each, "reason", None) or each.text
            for each in read(each_content, input_format=input_format)
        ]
        for each_content in (content, content.replace(b"\n", b"\r\n"))
    )
    assert found == same


@pytest.mark.parametrize("input_format", TEXT_FORMATS)
def test_ten_thousand_random_files(input_format):
    rng = random.Random(0)
    for _ in range(10_000 // len(TEXT_FORMATS)):
        content = b"".join(
            rng.choice(FRAGMENTS)
            if rng.random() < 0.8
            else rng.randbytes(rng.randint(1, 5))
            for _ in range(rng.randint(1, 60))
        )
        found = read(content, range_bytes=1 << 40, input_format=input_format)
        check_every_byte_is_told_of(content, found, input_format)
        for each in found:
            if isinstance(each, documents.Document):
                for sentence in each.text.decode().split("\n"):
                    assert sentence
                    assert sentence == " ".join(sentence.split())


class CountingStream(io.BytesIO):
    num_bytes = 0

    def read1(self, size=-1):
        found = super().read1(size)
        self.num_bytes += len(found)
        return found


@pytest.mark.parametrize("input_format", ["sentences", "jsonl", "wikiextractor"])
def test_a_range_in_which_nothing_begins_is_not_left(input_format, monkeypatch):
    monkeypatch.setattr(readers, "_CHUNK_BYTES", 1000)
    stream = CountingStream(b"word " * 100_000)
    part = documents.ByteRange("a.txt", 5000, 10_000)
    assert not list(readers.read_documents(stream, part, input_format=input_format))
    assert stream.num_bytes < 30_000


class DamagedStream(io.BytesIO):
    def read1(self, size=-1):
        return super().read1(min(size, 7)) or self.fail()

    def fail(self):
        raise OSError("no more")


def test_what_was_read_before_the_damage_is_kept():
    found = list(
        readers.read_documents(
            DamagedStream(b"One.\n\nTwo.\n\nThree"),
            documents.ByteRange("a.txt", 0, None),
            input_format="sentences",
        )
    )
    assert [each.text for each in found[:2]] == [b"One.", b"Two."]
    assert (found[2].offset, found[2].num_bytes) == (11, 6)
    assert (found[2].reason, found[2].detail) == ("damaged_file", "OSError: no more")


READ_ENDLESS_LINES = """
import io, json, resource
from bert_tf.data import documents, readers
from tests.data.test_readers import TEXT_FORMATS

class EndlessLine(io.RawIOBase):
    def __init__(self, character):
        self.character, self.left = character, 200 << 20

    def readable(self):
        return True

    def readinto(self, buffer):
        size = min(len(buffer), self.left)
        buffer[:size] = self.character * size
        self.left -= size
        return size

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

before, found = peak(), []
for input_format in TEXT_FORMATS:
    for character in (b"a", b" "):
        stream = io.BufferedReader(EndlessLine(character))
        part = documents.ByteRange("a.txt", 0, None)
        found += [
            (each.reason, each.offset, each.num_bytes)
            for each in readers.read_documents(stream, part, input_format=input_format)
        ]
print(json.dumps([found, peak() - before]))
"""


@pytest.mark.slow
def test_an_endless_line_takes_little_memory():
    result = subprocess.run(
        [sys.executable, "-c", READ_ENDLESS_LINES],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    found, megabytes = json.loads(result.stdout)
    assert found == [["document_too_long", 0, 200 << 20]] * 2 * len(TEXT_FORMATS)
    assert megabytes < 100


@pytest.fixture(scope="module")
def novels(shared):
    with tarfile.open(shared / "data/pretrain/novels_dev_raw.tar.xz") as archive:
        return {
            member.name: archive.extractfile(member).read()
            for member in archive.getmembers()
        }


@pytest.mark.slow
def test_real_novels_come_out_as_paragraphs_of_sentences(novels):
    for content in novels.values():
        (found,) = read(content, input_format="prose_files")
        span = content[found.offset : found.offset + found.num_bytes]
        assert span == content[3:].strip()
        assert found.text.translate(None, b" \n") == b"".join(span.split())
        lengths = sorted(map(len, found.text.split(b"\n")))
        assert lengths[-1] < 2500
        assert 40 < lengths[len(lengths) // 2] < 130
