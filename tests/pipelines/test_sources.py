"""Text files: found, decompressed and read by range."""

import bz2
import gzip
import io
import lzma

import apache_beam as beam
import pytest
import zstandard

from bert_tf import errors
from bert_tf.data import documents
from pipelines import progress, sources

TEXT = "".join(
    f"Sentence number {number}.\n" * 3 + "\n" for number in range(400)
).encode()
COMPRESS = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def read(path):
    (file,) = sources.find_inputs([str(path)])
    return [
        found
        for part in file.ranges()
        for found in sources.read_range(part, input_format="sentences")
    ]


@pytest.mark.parametrize("ending", COMPRESS)
def test_every_compression_gives_the_same_documents(tmp_path, ending):
    path = tmp_path / f"text{ending}"
    path.write_bytes(COMPRESS[ending](TEXT))
    found = read(path)
    assert len(found) == 400
    assert found[7].sentences == ("Sentence number 7.",) * 3
    assert found[7].offset == TEXT.index(b"Sentence number 7.")


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_several_compressed_parts_in_a_file_are_all_read(tmp_path, ending):
    path = tmp_path / f"text{ending}"
    path.write_bytes(COMPRESS[ending](b"One.\n\n") + COMPRESS[ending](b"Two.\n"))
    assert [found.sentences for found in read(path)] == [("One.",), ("Two.",)]


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_a_truncated_file_is_one_bad_document(tmp_path, ending):
    path = tmp_path / f"text{ending}"
    content = COMPRESS[ending](TEXT)
    path.write_bytes(content[: len(content) // 2])
    *good, bad = read(path)
    assert all(isinstance(each, documents.Document) for each in good)
    assert len(good) < 400
    assert (bad.path, bad.reason) == (str(path), "damaged_file")
    assert bad.detail


def test_something_else_under_a_compressed_name_is_a_bad_document(tmp_path):
    for ending in (".gz", ".bz2", ".xz", ".zst"):
        path = tmp_path / f"text{ending}"
        path.write_bytes(TEXT)
        assert [found.reason for found in read(path)] == ["damaged_file"]


def test_a_large_file_is_cut_and_a_compressed_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "RANGE_BYTES", 1000)
    (tmp_path / "a.txt").write_bytes(TEXT)
    (tmp_path / "a.txt.bz2").write_bytes(bz2.compress(bytes(range(256)) * 900))
    plain, compressed = sources.find_inputs([f"{tmp_path}/*"])
    assert len(plain.ranges()) == -(-len(TEXT) // 1000)
    assert len(compressed.ranges()) == 1
    assert len(read(tmp_path / "a.txt")) == 400


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


def test_blocks_hold_many_documents_and_bad_ones_are_set_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_CHARACTERS", 1000)
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT + b"\n\xff\n\nLast.")
    reader = sources.ReadBlocks(input_format="sentences", progress_dir=str(tmp_path))
    found = list(reader.process(documents.ByteRange(str(path), 0, None)))
    bad = [each for each in found if isinstance(each, beam.pvalue.TaggedOutput)]
    assert [(each.tag, each.value.reason) for each in bad] == [
        (sources.BAD_DOCUMENTS, "not_utf8")
    ]
    blocks = [each for each in found if isinstance(each, list)]
    assert sum(map(len, blocks)) == 401
    assert 15 < len(blocks) < 40
    num_characters = progress.totals(str(tmp_path))[progress.READ_CHARACTERS]
    assert num_characters == len(TEXT) - TEXT.count(b"\n") + len("Last.")


def test_reading_of_a_plain_stream_is_left_alone():
    stream = io.BytesIO(b"One.")
    assert sources.open_text(stream, "a.txt") is stream
