"""Files of sources and targets, and what is told of broken ones."""

import json
import lzma

import pytest

from bert_tf.data.task_files.tables import Row
from bert_tf.data.task_files.text_pairs import read_text_pairs
from bert_tf.errors import UserError


@pytest.mark.parametrize(
    ("name", "content", "first_line"),
    [
        ("a.tsv", "one\ttwo\nthree\tfour\n", 1),
        ("a.tsv", "target\tsource\ntwo\tone\nfour\tthree\n", 2),
        ("a.csv", "source,target\none,two\nthree,four\n", 2),
        (
            "a.jsonl",
            '{"source": "one", "target": "two"}\n{"source": "three", "target": "four"}\n',
            1,
        ),
        ("a.txt", "IN: one OUT: two\nIN: three OUT: four\n", 1),
    ],
)
def test_files_of_all_formats(tmp_path, name, content, first_line):
    path = tmp_path / name
    path.write_text(content)

    assert read_text_pairs(str(path), columns={}) == [
        Row(first_line, {"text": "one", "target": "two"}),
        Row(first_line + 1, {"text": "three", "target": "four"}),
    ]


def test_compressed_lines_of_scan(tmp_path):
    path = tmp_path / "tasks.txt.xz"
    path.write_bytes(lzma.compress(b"IN: jump OUT: I_JUMP\n\nIN: run OUT: I_RUN\n"))

    rows = read_text_pairs(str(path), columns={})

    assert [row.line for row in rows] == [1, 3]
    assert rows[1] == Row(3, {"text": "run", "target": "I_RUN"})


def test_scan_itself(shared):
    folder = shared / "data" / "seq2seq" / "scan"

    assert (
        len(read_text_pairs(str(folder / "tasks_train_simple.txt.xz"), columns={}))
        == 16728
    )


def test_texts_that_wait_for_an_answer(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("id\tsource\n7\tone\n")

    assert read_text_pairs(str(path), columns={}) == [Row(2, {"text": "one"})]


def test_words_that_headers_have_are_targets_too(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("chien\tdog\nréponse\tanswer\nLabel\tLabel\n")

    rows = read_text_pairs(str(path), columns={})

    assert [row.cells["target"] for row in rows] == ["dog", "answer", "Label"]


def test_columns_by_name(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("de\ten\nhund\tdog\n")

    rows = read_text_pairs(str(path), columns={"text": "de", "target": "en"})

    assert rows == [Row(2, {"text": "hund", "target": "dog"})]


def test_a_text_is_required(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("de\ten\nhund\tdog\n")

    assert read_text_pairs(str(path), columns={"text": "de"}) == [
        Row(2, {"text": "hund"})
    ]
    with pytest.raises(UserError, match=r"expected text, \[target\], received target;"):
        read_text_pairs(str(path), columns={"target": "en"})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "one\ttwo\nthree\n", r"a\.tsv:2: expected 2 columns, received 1"),
        (
            "a.tsv",
            "one\ttwo\n \tfour\n",
            r"a\.tsv:2: expected something in the column '0'",
        ),
        ("a.tsv", "one\ttwo\tthree\n", r"a\.tsv:1: expected a table of a known layout"),
        (
            "a.txt",
            "IN: one OUT: two\nthree four\n",
            r"a\.txt:2: expected IN: \.\.\. OUT: \.\.\. as on the first line, received",
        ),
        (
            "a.jsonl",
            json.dumps({"source": "a", "target": "b"}) + '\n{"source": "a"}\n',
            r"a\.jsonl:2: expected a column 'target', received source",
        ),
        ("a.tsv", "input\toutput\none\ttwo\n", r"a\.tsv:1: .* \(--columns=text=source,t"),
        ("a.tsv", "input_text\ttarget_text\none\ttwo\n", r"a\.tsv:1: .* 'input_text'"),
        ("a.tsv", "Article\tSummary\none\ttwo\n", r"a\.tsv:1: .* begins with 'Article'"),
        ("a.tsv", "", r"a\.tsv: expected examples, received an empty table"),
    ],
)
def test_wrong_files_are_told_with_their_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(UserError, match=message):
        read_text_pairs(str(path), columns={})
