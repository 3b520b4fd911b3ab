"""Text files: found, decompressed and read by range."""

import bz2
import io
import lzma
import os
import random
import tracemalloc

import hypothesis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.io.localfilesystem import LocalFileSystem
from hypothesis import strategies

from bert_tf import errors
from bert_tf.data import documents
from pipelines import sources
from tests import compression

TEXT = "".join(
    f"Sentence number {number}.\n" * 3 + "\n" for number in range(400)
).encode()
COMPRESS = {
    "": bytes,
    ".lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
    **compression.COMPRESS,
}
COMPRESSED = [ending for ending in COMPRESS if ending]
SENTENCES = {"input_format": "sentences", "text_field": "text", "language": "en"}


def read(path, input_format="sentences"):
    (file,) = sources.find_inputs([str(path)], input_format=input_format)
    how = SENTENCES | {"input_format": input_format}
    return [
        found
        for part in file.ranges(input_format)
        for found in sources.read_range(part, **how)
    ]


@pytest.mark.parametrize("ending", COMPRESS)
def test_every_compression_gives_the_same_documents(tmp_path, ending):
    path = tmp_path / f"text{ending}"
    path.write_bytes(COMPRESS[ending](TEXT))
    found = read(path)
    assert len(found) == 400
    assert found[7].text == b"\n".join([b"Sentence number 7."] * 3)
    assert found[7].offset == TEXT.index(b"Sentence number 7.")
    assert found[7].num_bytes == len(found[7].text)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_several_compressed_parts_in_a_file_are_all_read(tmp_path, ending):
    path = tmp_path / f"text{ending}"
    path.write_bytes(COMPRESS[ending](b"One.\n\n") + COMPRESS[ending](b"Two.\n"))
    assert [found.text for found in read(path)] == [b"One.", b"Two."]


@hypothesis.given(
    content=strategies.lists(
        strategies.sampled_from([b"a", b"\n", b"\n\n", b" ", b"\xff", b"b" * 9]),
        max_size=30,
    ).map(b"".join),
    ending=strategies.sampled_from(COMPRESSED),
)
def test_compression_does_not_matter(content, ending):
    found, expected = (
        list(
            sources.readers.read_documents(
                sources.open_text(io.BytesIO(stored), f"a{each_ending}"),
                documents.ByteRange("a", 0, None),
                input_format="sentences",
            )
        )
        for stored, each_ending in ((COMPRESS[ending](content), ending), (content, ""))
    )
    assert found == expected


@pytest.mark.parametrize("ending", COMPRESSED)
def test_of_a_truncated_file_the_start_is_kept(tmp_path, ending):
    rng = random.Random(0)
    texts = [rng.randbytes(30).hex().encode() for _ in range(3000)]
    text = b"\n\n".join(texts)
    stored = COMPRESS[ending](text)
    path = tmp_path / f"text{ending}"
    for size in (len(stored) - 1, len(stored) // 2, 3):
        path.write_bytes(stored[:size])
        *good, bad = read(path)
        assert [each.text for each in good] == texts[: len(good)]
        assert (bad.path, bad.reason) == (str(path), "damaged_file")
        assert bad.detail
        assert bad.offset == max(62 * len(good) - 1, 0)  # from the blank line on
        lost = len(text) * size / len(stored) - (bad.offset + bad.num_bytes)
        assert lost < {".bz2": len(text), ".zst": 1 << 17}.get(ending, 1 << 14)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_something_else_under_a_compressed_name_is_a_bad_document(tmp_path, ending):
    path = tmp_path / f"text{ending}"
    path.write_bytes(TEXT)
    (bad,) = read(path)
    assert (bad.offset, bad.num_bytes, bad.reason) == (0, 0, "damaged_file")


@pytest.mark.slow
@pytest.mark.parametrize("ending", COMPRESSED)
def test_a_small_file_of_an_endless_line_takes_little_memory(tmp_path, ending):
    path = tmp_path / f"text{ending}"
    path.write_bytes(COMPRESS[ending](b"a" * (200 << 20)))
    tracemalloc.start()
    (bad,) = read(path)
    assert (bad.num_bytes, bad.reason) == (200 << 20, "document_too_long")
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()


def test_a_file_that_is_gone_is_a_bad_document(tmp_path):
    part = documents.ByteRange(f"{tmp_path}/none.txt", 0, None)
    (bad,) = sources.read_range(part, **SENTENCES)
    assert (bad.path, bad.reason) == (part.path, "damaged_file")
    assert "No such file" in bad.detail


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs Linux")
def test_a_file_that_cannot_be_read_is_a_bad_document():
    # It opens, but the first page of a process cannot be read.
    part = documents.ByteRange("/proc/self/mem", 0, None)
    (bad,) = sources.read_range(part, **SENTENCES)
    assert bad.reason == "damaged_file"
    assert "Input/output error" in bad.detail


class FarFileSystem(LocalFileSystem):
    """Local files under another name; to some the connection breaks at their end."""

    @classmethod
    def scheme(cls):
        return "far"

    def open(self, path, *args, **options):
        file = super().open(path.removeprefix("far:/"), *args, **options)
        return FlakyFile(file) if "flaky" in path else file


class FlakyFile(io.RawIOBase):
    def __init__(self, file):
        self._file = file

    def readinto(self, buffer):
        if size := self._file.readinto(buffer):
            return size
        raise ConnectionResetError("gone")


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_file_elsewhere_that_cannot_be_read_is_to_be_tried_again(tmp_path, ending):
    for name in ("good", "flaky"):
        (tmp_path / f"{name}{ending}").write_bytes(COMPRESS[ending](TEXT))
    good, flaky, missing = (
        documents.ByteRange(f"far:/{tmp_path}/{name}{ending}", 0, None)
        for name in ("good", "flaky", "missing")
    )
    assert len(list(sources.read_range(good, **SENTENCES))) == 400
    with pytest.raises(RuntimeError, match="Cannot be read: gone"):
        list(sources.read_range(flaky, **SENTENCES))
    with pytest.raises(FileNotFoundError):
        list(sources.read_range(missing, **SENTENCES))


def test_a_large_file_is_cut_and_a_compressed_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "RANGE_BYTES", 1000)
    (tmp_path / "a.txt").write_bytes(TEXT)
    (tmp_path / "a.txt.bz2").write_bytes(bz2.compress(bytes(range(256)) * 900))
    plain, compressed = sources.find_inputs([f"{tmp_path}/*"])
    assert len(plain.ranges()) == -(-len(TEXT) // 1000)
    assert len(compressed.ranges()) == 1
    assert len(read(tmp_path / "a.txt")) == 400
    assert len(plain.ranges("prose_files")) == 1
    assert len(read(tmp_path / "a.txt", "prose_files")) == 1


def test_parquet_files_are_cut_at_row_groups(tmp_path):
    for name, num_rows in (("a", 5), ("b", 2), ("c", 0)):
        rows = {
            "text": pa.array([f"{name}{row}." for row in range(num_rows)], pa.string())
        }
        pq.write_table(pa.table(rows), tmp_path / f"{name}.parquet", row_group_size=2)
    files = sources.find_inputs([f"{tmp_path}/*"], input_format="parquet")
    assert [len(file.row_group_bytes) for file in files] == [3, 1, 1]
    assert [len(file.ranges("parquet")) for file in files] == [3, 1, 1]
    assert 7 * 3 < sources.estimate_text_bytes(files) < files[0].num_bytes
    found = read(tmp_path / "a.parquet", "parquet")
    assert [each.text for each in found] == [b"a0.", b"a1.", b"a2.", b"a3.", b"a4."]


def test_what_is_no_parquet_file_is_the_users_error(tmp_path):
    (tmp_path / "a.parquet").write_bytes(TEXT)
    with pytest.raises(errors.UserError, match=r"expected Parquet files.*a\.parquet"):
        read(tmp_path / "a.parquet", "parquet")


def test_files_are_found_once_and_sorted(tmp_path):
    for name in ("b.txt", "a.txt", "c.md"):
        (tmp_path / name).write_text("One.\n")
    found = sources.find_inputs([f"{tmp_path}/*.txt", f"{tmp_path}/b.*"])
    assert [file.path for file in found] == [f"{tmp_path}/a.txt", f"{tmp_path}/b.txt"]
    assert sources.estimate_text_bytes(found) == 10
    summary = sources.summarize_inputs(found)
    assert (summary.num_files, summary.num_bytes) == (2, 10)
    (tmp_path / "a.txt").write_text("More.\n")
    changed = sources.summarize_inputs(sources.find_inputs([f"{tmp_path}/*.txt"]))
    assert changed.digest != summary.digest


def test_files_are_named_alike_from_every_folder(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("One.\n")
    monkeypatch.chdir(tmp_path)
    found = sources.find_inputs(["a.txt", "./a.*", "*.txt"])
    assert [file.path for file in found] == [f"{tmp_path}/a.txt"]
    assert sources.absolute_path("gs://bucket/text") == "gs://bucket/text"


def test_what_cannot_be_read_is_the_users_error(tmp_path):
    (tmp_path / "empty.txt").touch()
    for pattern, message in [
        (f"{tmp_path}/none*", "which matches none"),
        (f"{tmp_path}", r"received the folder .*; write .*/\*"),
        (f"{tmp_path}/empty.txt", "received 1 empty files"),
    ]:
        with pytest.raises(errors.UserError, match=message):
            sources.find_inputs([pattern])


def test_a_file_without_permission_is_the_users_error(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("One.\n")
    monkeypatch.setattr(sources.os, "access", lambda path, mode: False)
    with pytest.raises(errors.UserError, match="without the permission"):
        sources.find_inputs([f"{tmp_path}/a.txt"])


def test_a_worker_reads_several_small_files_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "RANGE_BYTES", 1000)
    for number in range(50):
        (tmp_path / f"{number:02d}.txt").write_bytes(b"x" * 90)
    (tmp_path / "large.txt").write_bytes(b"y" * 4500)
    files = sources.find_inputs([f"{tmp_path}/*"])
    units = sources.work_units(files, "sentences")
    paths = [part.path[-6:] for unit in units for part in unit]
    assert paths == [f"{number:02d}.txt" for number in range(50)] + ["ge.txt"] * 5
    # Twelve small files are 1080 bytes, a part of the large one is 900.
    assert [len(unit) for unit in units] == [12, 12, 12, 12, 3, 2, 2]


def test_reading_of_a_plain_stream_is_left_alone():
    stream = io.BytesIO(b"One.")
    assert sources.open_text(stream, "a.txt") is stream


def test_a_block_has_no_end_of_documents_without_bytes(monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_DOCUMENTS", 3)
    null = documents.BadDocument("a", 0, 0, "no_text_field", "null")
    blocks = list(sources.blocks([null] * 7))
    assert [len(block) for block in blocks] == [3, 3, 1]


@hypothesis.given(
    sizes=strategies.lists(strategies.integers(0, 9), max_size=30),
    block_bytes=strategies.integers(1, 20),
)
def test_blocks_have_all_documents(sizes, block_bytes):
    found = [documents.Document("a", 0, size, b"") for size in sizes]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sources, "BLOCK_BYTES", block_bytes)
        blocks = list(sources.blocks(found))
    assert [each for block in blocks for each in block] == found
    for block in blocks[:-1]:
        num_bytes = sum(each.num_bytes for each in block)
        assert block_bytes <= num_bytes < block_bytes + 9
