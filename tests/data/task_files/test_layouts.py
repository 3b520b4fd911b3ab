"""Tables that are known without being told their columns."""

import pytest

from bert_tf.data.task_files.layouts import PAIRS, SCORED_PAIRS, TEXTS
from bert_tf.data.task_files.tables import NO_LABEL, Row, read_table
from bert_tf.errors import UserError


def read(tmp_path, name, text, layouts, columns=()):
    path = tmp_path / name
    path.write_text(text)
    return read_table(str(path), layouts=layouts, columns=dict(columns))


def test_cola_from_a_source_with_a_hyphen(tmp_path):
    rows = read(tmp_path, "a.tsv", "r-67\t1\t\tHe ran.\nr-67\t1\t\tI ran.\n", TEXTS)

    assert rows[0] == Row(1, {"text": "He ran.", "label": "1"})


@pytest.mark.parametrize(
    "text",
    ["ham\tOk\n", "ham\tOk\nspam\tWin\nspam\tNow\n", "x\t0\t\tA.\n" + "x\t1\t\tA.\n" * 9],
)
def test_a_first_label_that_no_other_line_has(text, tmp_path):
    assert len(read(tmp_path, "a.tsv", text, TEXTS)) == text.count("\n")


@pytest.mark.parametrize(
    "names",
    [
        "premise,hypothesis",
        "sentence1,sentence2",
        "question,sentence",
        "question1,question2",
    ],
)
def test_pairs_of_hugging_face_that_nobody_labelled(names, tmp_path):
    rows = read(tmp_path, "a.csv", f"{names},label\na,b,-1\nc,d,1\n", PAIRS)

    assert [row.cells["label"] for row in rows] == [NO_LABEL, "1"]


@pytest.mark.parametrize(
    ("header", "layouts"),
    [
        ("index\tsentence", TEXTS),
        ("index\tsentence1\tsentence2", PAIRS),
        ("index\tquestion\tsentence", PAIRS),
        ("id\tquestion1\tquestion2", PAIRS),
        ("index\t#1 String\t#2 String", PAIRS),
        ("index\tsentence1\tsentence2", SCORED_PAIRS),
    ],
)
def test_files_of_glue_that_wait_for_an_answer(header, layouts, tmp_path):
    num_texts = header.count("\t")
    row = "\t".join(["0", "a", "b"][: num_texts + 1])

    (received,) = read(tmp_path, "test.tsv", f"{header}\n{row}\n", layouts)

    assert received.cells == dict(
        zip(("text", "text_pair"), "ab"[:num_texts], strict=False)
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "text\tlabel\na\t"),
        ("a.tsv", "text\tlabel\na\t "),
        ("a.jsonl", '{"text": "a", "label": null}'),
    ],
)
def test_labels_that_are_left_out(name, content, tmp_path):
    (row,) = read(tmp_path, name, content, TEXTS)

    assert row.cells == {"text": "a"}


def test_a_header_of_a_short_table_is_no_example(tmp_path):
    with pytest.raises(UserError, match=r"a\.tsv:1: expected a table of a known layout"):
        read(tmp_path, "a.tsv", "category\tmessage\nham\tOk\nspam\tWin\n", TEXTS)


def test_numbers_that_are_whole_are_one_label(tmp_path):
    lines = [f'{{"text": "a", "label": {label}}}\n' for label in ("1", "1.0", "1.5")]

    rows = read(tmp_path, "a.jsonl", "".join(lines), TEXTS)

    assert [row.cells["label"] for row in rows] == ["1", "1", "1.5"]


def test_a_minus_is_a_label_like_others(tmp_path):
    rows = read(tmp_path, "a.tsv", "text\tlabel\na\t-\nb\t+\n", TEXTS)

    assert [row.cells["label"] for row in rows] == ["-", "+"]


def test_scores_by_both_of_their_names(tmp_path):
    for name in ("score", "label"):
        columns = {"text": "0", "text_pair": "1", name: "2"}
        rows = read(tmp_path, "a.tsv", "a\tb\t2.5\n", SCORED_PAIRS, columns)
        assert rows == [Row(1, {"text": "a", "text_pair": "b", name: "2.5"})]


@pytest.mark.parametrize(
    ("name", "layouts", "count"),
    [
        ("classification/CoLA/train.tsv", TEXTS, 8551),
        ("classification/CoLA/dev.tsv", TEXTS, 1043),
        ("classification/SST-2/dev.tsv", TEXTS, 872),
        ("classification/sms_spam/SMSSpamCollection", TEXTS, 5574),
        ("pair/RTE/dev.tsv", PAIRS, 277),
        ("pair/SNLI/snli_dev_subset.jsonl", PAIRS, 1289),
        ("pair/STS-B/dev.tsv", SCORED_PAIRS, 1500),
    ],
)
def test_real_files(name, layouts, count, shared):
    rows = read_table(str(shared / "data" / name), layouts=layouts, columns={})

    assert len(rows) == count
