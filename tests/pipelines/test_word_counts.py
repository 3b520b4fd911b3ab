"""Words are counted once, in every format and wherever files are cut."""

import collections
import gzip
import json
import lzma

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bert_tf import config, errors
from bert_tf.data import readers
from pipelines import beam_options, sources, word_counts
from tests.data import reference_tokenization

DOCUMENTS = [
    f'"Who?" said no. {number} & co.\nThe <café> of\tthe Ärzte{number % 7},\n一二.'
    for number in range(200)
]
WORDS = collections.Counter(
    reference_tokenization.split_words("\n".join(DOCUMENTS), lower_case=True)
)


def plain(texts):
    return "\n\n".join(texts).encode()


def jsonl(texts):
    return "\n".join(json.dumps({"body": text}) for text in texts).encode()


def wikiextractor(texts):
    escaped = (text.replace("&", "&amp;").replace("<", "&lt;") for text in texts)
    return "\n".join(
        f'<doc id="1" title="A title">\nA title\n\n{text}\n\n</doc>' for text in escaped
    ).encode()


def parquet(texts):
    file = pa.BufferOutputStream()
    pq.write_table(pa.table({"body": texts}), file, row_group_size=30)
    return file.getvalue().to_pybytes()


WRITE = {
    "sentences": plain,
    "prose": plain,
    "prose_files": plain,
    "jsonl": jsonl,
    "parquet": parquet,
    "wikiextractor": wikiextractor,
}


@pytest.fixture
def count(tmp_path):
    """Counts the words of files, given as what they have."""
    num_calls = 0

    def counts_of(*contents, input_format="sentences", ending=""):
        nonlocal num_calls
        num_calls += 1
        folder = tmp_path / str(num_calls)
        (folder / "work").mkdir(parents=True)
        for number, content in enumerate(contents):
            (folder / f"{number}.txt{ending}").write_bytes(content)
        return word_counts.count_words(
            sources.find_inputs(
                [f"{folder}/*.txt*"], input_format=input_format, text_field="body"
            ),
            input_format=input_format,
            text_field="body",
            lower_case=True,
            work_dir=f"{folder}/work",
            options=beam_options.pipeline_options(["program"]),
        )

    return counts_of


def test_every_format_is_tested():
    assert set(WRITE) == set(config.INPUT_FORMATS)


@pytest.mark.parametrize("input_format", WRITE)
def test_the_format_does_not_matter(count, input_format):
    content = WRITE[input_format](DOCUMENTS)
    assert count(content, input_format=input_format) == WORDS


@pytest.mark.parametrize("input_format", WRITE)
def test_the_cuts_do_not_matter(count, input_format, monkeypatch):
    monkeypatch.setattr(sources, "RANGE_BYTES", 700)
    monkeypatch.setattr(readers, "_RUN_BYTES", 300)
    monkeypatch.setattr(sources, "BLOCK_BYTES", 500)
    monkeypatch.setattr(word_counts, "_MAX_DISTINCT_WORDS", 20)
    halves = (WRITE[input_format](half) for half in (DOCUMENTS[:90], DOCUMENTS[90:]))
    assert count(*halves, input_format=input_format) == WORDS


def test_compressed_files_are_decompressed(count):
    compressed = gzip.compress(jsonl(DOCUMENTS))
    assert count(compressed, input_format="jsonl", ending=".gz") == WORDS


@pytest.mark.parametrize("input_format", ["sentences", "prose", "prose_files"])
def test_plain_text_needs_no_blank_line(count, input_format, monkeypatch):
    monkeypatch.setattr(readers, "MAX_DOCUMENT_BYTES", 1000)
    text = "\n".join(DOCUMENTS).encode()
    assert count(text, input_format=input_format) == WORDS


def test_a_few_bad_bytes_cost_their_lines(count, caplog):
    text = plain(DOCUMENTS)
    with_bad_line = text + b"\nbad \xff\n" + text
    assert count(with_bad_line) == {word: 2 * n for word, n in WORDS.items()}
    place = len(text) + 1
    assert "parts that cannot be used: 1 not_utf8 ('" in caplog.text
    assert f"0.txt' at {place}: 'utf-8' codec can't decode byte 0xff" in caplog.text


def test_many_bad_bytes_are_the_users_error(count):
    text = "one\n" * 90 + "größer\n" * 10
    with pytest.raises(errors.UserError, match=r"18\.2% of the text .*: 10 not_utf8"):
        count(text.encode("latin-1"))


def test_what_is_no_document_is_told_by_its_reason(count):
    with pytest.raises(errors.UserError) as caught:
        count(b'{"text": "a"}\n{"text": "b"}\n{"body": 1', input_format="jsonl")
    message = str(caught.value)
    assert "100.0% of the text" in message
    assert "1 not_json ('" in message
    assert "2 no_text_field ('" in message
    assert "0.txt' at 0: expected a string 'body')" in message
    assert "\n" not in message


def test_a_column_without_texts_is_no_error(count):
    nulls = parquet([None, "a b", None])
    assert count(nulls, input_format="parquet") == {"a": 1, "b": 1}


def test_an_endless_line_is_the_users_error(count, monkeypatch):
    monkeypatch.setattr(readers, "MAX_DOCUMENT_BYTES", 1000)
    with pytest.raises(errors.UserError, match="1 document_too_long"):
        count(b"word " * 1000)


def test_a_damaged_file_is_named(count):
    content = lzma.compress(plain(DOCUMENTS))[:-20]
    with pytest.raises(
        errors.UserError, match=r"complete files, received '.*0\.txt\.xz'"
    ):
        count(content, ending=".xz")
