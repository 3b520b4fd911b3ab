"""Sentences of labelled words, and what is told of broken files."""

import gzip
import lzma

import pytest

from bert_tf.data.task_files.conll import Sentence, read_sentences
from bert_tf.errors import UserError

CONLL_U = """\
# sent_id = 1
# text = Don't go.
1-2	Don't	_	_	_	_	_	_	_	_
1	Do	do	AUX	VB	_	3	aux	_	_
2	n't	not	PART	RB	_	3	advmod	_	_
3	10 000	10000	NUM	CD	_	0	root	_	_
3.1	left	leave	VERB	VBD	_	_	_	_	_

# sent_id = 2
1	Go	go	VERB	VB	_	0	root	_	_
"""


def read(path, **columns):
    return read_sentences(str(path), columns=columns)


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_tabs(tmp_path):
    path = written(tmp_path, "a.conll", "\n\nNew York\tB-LOC\n#\tO\n\n\n \nis\tO\n")

    assert read(path) == [
        Sentence([3, 4], ["New York", "#"], ["B-LOC", "O"]),
        Sentence([8], ["is"], ["O"]),
    ]


def test_spaces_and_documents(tmp_path):
    path = written(
        tmp_path,
        "eng.train",
        "-DOCSTART- -X- -X- O\r\n\r\nEU NNP B-NP I-ORG\r\nran   VBD\u00a0 B-VP O \r\n"
        "-DOCSTART- -X- -X- O\r\n.  . O O",
    )

    assert read(path) == [
        Sentence([3, 4], ["EU", "ran"], ["I-ORG", "O"]),
        Sentence([6], ["."], ["O"]),
    ]


def test_columns_by_number(tmp_path):
    path = written(tmp_path, "a.conll.gz", gzip.compress(b"1 a DT O\n2 cat NN B-X\n"))

    assert read(path, text="1") == [Sentence([1, 2], ["a", "cat"], ["O", "B-X"])]
    assert read(path, text="1", label="2") == [
        Sentence([1, 2], ["a", "cat"], ["DT", "NN"])
    ]


def test_words_without_labels(tmp_path):
    path = written(tmp_path, "a.conll", "New\nYork\n\nis\n")

    assert read(path) == [
        Sentence([1, 2], ["New", "York"], None),
        Sentence([4], ["is"], None),
    ]
    with pytest.raises(UserError, match=r"a.conll:1: expected a column '1', received 0;"):
        read(path, label="1")


@pytest.mark.parametrize("ending", ["", ".xz"])
def test_conll_u(ending, tmp_path):
    content = CONLL_U.encode()
    path = written(
        tmp_path, f"a.conllu{ending}", lzma.compress(content) if ending else content
    )

    assert read(path) == [
        Sentence([4, 5, 6], ["Do", "n't", "10 000"], ["AUX", "PART", "NUM"]),
        Sentence([10], ["Go"], ["VERB"]),
    ]
    for column in ("xpos", "4"):
        assert [each.labels for each in read(path, label=column)] == [
            ["VB", "RB", "CD"],
            ["VB"],
        ]
    assert read(path, text="lemma")[1].words == ["go"]


@pytest.mark.parametrize(
    ("name", "text", "columns", "message"),
    [
        (
            "a",
            "a\tO\nb\tX\tO\n",
            {},
            r"a:2: expected 2 columns as in line 1, received 3; mend",
        ),
        (
            "a",
            "a\tO\nb O\n",
            {},
            r"a:2: expected 2 columns as in line 1, received 1; mend",
        ),
        (
            "a",
            "a O\n\nb c O\n",
            {},
            r"a:3: expected 2 columns as in line 1, received 3; mend",
        ),
        ("a", "a O\n O\n", {}, r"a:2: expected a word in column 0, received nothing"),
        ("a", "a\tO\n \tO\n", {}, r"a:2: expected a word in column 0, received nothing"),
        ("a", "a\tO\nb\t\n", {}, r"a:2: expected a label in column 1, received nothing"),
        ("a", "a\nb O\n", {}, r"a:2: expected 1 columns as in line 1, received 2; mend"),
        ("a", "", {}, r"a: expected sentences, received none"),
        ("a", "\n-DOCSTART- O\n\n", {}, r"a: expected sentences, received none"),
        (
            "a",
            "a O\n",
            {"label": "2"},
            r"a:1: expected a column '2', received 0, 1; name",
        ),
        ("a", "a O\n", {"label": "upos"}, r"a:1: expected a column 'upos', received 0"),
        ("a", "a O\n", {"score": "1"}, r"expected text and label, received 'score'"),
        ("a.conllu", "# a\n", {}, r"a.conllu: expected sentences, received none"),
        ("a.conllu", "# a\n1\ta\n", {}, r"a.conllu:2: expected 10 columns, received 2"),
        (
            "a.conllu",
            CONLL_U,
            {"label": "pos"},
            r":4: expected a column 'pos', rec.*upos",
        ),
        (
            "a.conllu",
            CONLL_U.replace("2\tn", "x\tn"),
            {},
            r":5: expected a word's number, as 1, 1-2 or 1.1, received 'x'",
        ),
        (
            "a.conllu",
            CONLL_U.replace("n't\tnot", "\tnot"),
            {},
            r":5: expected a word in column 1, received nothing",
        ),
    ],
)
def test_broken_files(name, text, columns, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read(written(tmp_path, name, text), **columns)
