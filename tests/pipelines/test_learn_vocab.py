"""The same text gives the same vocabulary, and mistakes give one line."""

import gzip
import io
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bert_tf.data.vocab import load_vocabulary

TEXT = "The cat, the dog; and THE café!\n\nWalking, talking and jumping.\n" * 20
JSON_LINES = json.dumps({"body": TEXT}) + "\n"


def parquet_of_texts():
    file = io.BytesIO()
    pq.write_table(pa.table({"body": [TEXT]}), file)
    return file.getvalue()


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
    assert "Left out 0.4% of the text in parts that cannot be used: 5 not_utf8" in (
        result.stderr
    )
    vocabulary = load_vocabulary(tmp_path / "vocab.txt")
    assert vocabulary.tokens[:5] == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    assert {"the", "cafe", "talking", ","} <= set(vocabulary.tokens)
    assert not {"y", "The", "bytes", "##\ufffd"} & set(vocabulary.tokens)
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
def test_the_format_does_not_matter(tmp_path):
    vocabularies = []
    for content, *flags in [
        (TEXT,),
        (JSON_LINES, "--input_format=jsonl", "--text_field=body"),
    ]:
        path = tmp_path / "text"
        path.write_text(content, encoding="utf-8")
        result = learn(tmp_path, path, flags=flags)
        assert result.returncode == 0, result.stderr
        vocabularies.append((tmp_path / "vocab.txt").read_bytes())
    assert vocabularies[0] == vocabularies[1]


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
        ("caf\u00e9 noir\n".encode("latin-1") * 9, (), "100.0% of the text"),
        (JSON_LINES, ("--input_format=jsonl",), "1 no_text_field"),
        (
            parquet_of_texts(),
            ("--input_format=parquet",),
            "--text_field: expected a column of strings",
        ),
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
