"""The same text gives the same vocabulary, and mistakes give one line."""

import gzip
import io
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bert_tf.data.documents import ByteRange
from bert_tf.data.vocab import load_vocabulary
from pipelines import word_counts

TEXT = "The cat, the dog; and THE café!\n\nWalking, talking and jumping.\n" * 20


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pipelines.learn_vocab", *arguments],
        capture_output=True,
        text=True,
    )


def learn(tmp_path, *inputs, flags=()):
    output = tmp_path / "vocab.txt"
    patterns = ",".join(map(str, inputs))
    return run(f"--input={patterns}", f"--output={output}", "--vocab_size=60", *flags)


@pytest.mark.slow
def test_files_and_their_order_do_not_matter(tmp_path):
    whole = tmp_path / "whole.txt"
    long_word = "y" * 201
    text = TEXT * 10  # so that the bad lines are few
    whole.write_bytes(text.encode() + b"bad \xff bytes\n" * 5 + long_word.encode())
    result = learn(tmp_path, whole)
    assert result.returncode == 0, result.stderr
    assert "Wrote" in result.stderr
    assert "5 of 605 lines are not UTF-8" in result.stderr
    vocabulary = load_vocabulary(tmp_path / "vocab.txt")
    assert vocabulary.tokens[:5] == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    assert {"the", "cafe", "talking", ",", "bytes"} <= set(vocabulary.tokens)
    assert not {"y", "The", "##\ufffd"} & set(vocabulary.tokens)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vocab.txt", "whole.txt"]

    cut = text.index("\n", 300) + 1
    (tmp_path / "b.part").write_text(text[:cut], encoding="utf-8")
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write(text[cut:].encode() + b"bad \xff bytes\n" * 5)
    parts = tmp_path / "other" / "vocab.txt"
    parts.parent.mkdir()
    result = learn(parts.parent, tmp_path / "*.part", tmp_path / "a.gz")
    assert result.returncode == 0, result.stderr
    assert load_vocabulary(parts) == vocabulary


@pytest.mark.slow
def test_damaged_file_leaves_nothing_behind(tmp_path):
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(TEXT.encode())[:-20])
    result = learn(tmp_path, path)
    assert result.returncode == 2
    assert "expected complete files" in result.stderr.splitlines()[-1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["text.gz"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "flags", "message"),
    [
        (b"", (), "--input: expected text, received 1 empty files"),
        (" \n", (), "expected words"),
        ("caf\u00e9 noir\n".encode("latin-1") * 9, (), "9 of 9 lines that are not"),
        (TEXT, ("--vocab_size=20",), "--vocab_size: expected at least"),
        (TEXT, ("--output=/none/vocab.txt",), "--output: expected a file"),
        (TEXT, ("--outptu=vocab.txt",), "'--outptu=vocab.txt'"),
        (TEXT, ("--input=none/*.txt",), "matches none"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(tmp_path, content, flags, message):
    path = tmp_path / "text.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = learn(tmp_path, path, flags=flags)
    last_line = result.stderr.splitlines()[-1]
    assert result.returncode == 2, result.stderr
    assert last_line.startswith("error: ")
    assert message.lower() in last_line.lower()
    assert [entry.name for entry in tmp_path.iterdir()] == ["text.txt"]


@given(st.text("ab\n"), st.lists(st.integers(1, 20)), st.integers(1, 9))
def test_ranges_hold_every_line_once(text, sizes, block_bytes):
    content = text.encode()
    cuts = sorted({0, *(sum(sizes[:i]) for i in range(1, len(sizes)))})
    cuts = [cut for cut in cuts if cut < len(content)] or [0]
    ranges = zip(cuts, [*cuts[1:], len(content)], strict=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_counts, "BLOCK_BYTES", block_bytes)
        blocks = [
            block
            for start, end in ranges
            for block in word_counts.read_blocks(
                io.BytesIO(content), ByteRange(path="", start=start, end=end)
            )
        ]
        whole = word_counts.read_blocks(
            io.BytesIO(content), ByteRange(path="", start=0, end=None)
        )
        assert b"".join(whole) == content
    assert b"".join(blocks) == content
    assert all(block.endswith(b"\n") for block in blocks[:-1])
