"""Tables of examples, and what is told of broken ones."""

import pytest

from bert_tf.data.task_files.tables import NO_LABEL, Layout, Row, read_table
from bert_tf.errors import UserError
from tests.compression import COMPRESS

SENTENCES = Layout({"text": "sentence", "label": "label"})
LABEL_FIRST = Layout({"text": "1", "label": "0"}, cells=(r"\w+", r".*"))


def read(path, **columns):
    return read_table(str(path), layouts=[SENTENCES, LABEL_FIRST], columns=columns)


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_header_that_is_known(tmp_path):
    path = written(tmp_path, "a.tsv", 'index\tsentence\tlabel\n0\ta "b\t1\n1\tc, d\t0\n')

    assert read(path) == [
        Row(2, {"text": 'a "b', "label": "1"}),
        Row(3, {"text": "c, d", "label": "0"}),
    ]


def test_a_first_row_that_is_known(tmp_path):
    path = written(tmp_path, "SMSSpamCollection", "ham\tOk\nspam\tWin a prize\nham\tI\n")

    assert read(path)[1] == Row(2, {"text": "Win a prize", "label": "spam"})


def test_columns_by_name_and_by_number(tmp_path):
    named = written(
        tmp_path, "a.csv", 'id,review,stars\r\n7,"good, ""very""\nindeed",5\r\n'
    )
    numbered = written(tmp_path, "b.tsv", "7\tgood\t5\n")

    assert read(named, text="review", label="stars") == [
        Row(2, {"text": 'good, "very"\nindeed', "label": "5"})
    ]
    assert read(numbered, text="1", label="2") == [Row(1, {"text": "good", "label": "5"})]


def test_objects(tmp_path):
    path = written(
        tmp_path,
        "a.jsonl",
        '{"sentence": "a", "label": 1, "x": []}\n\n{"sentence": 2.5, "label": true}\n',
    )

    assert read(path) == [
        Row(1, {"text": "a", "label": "1"}),
        Row(3, {"text": "2.5", "label": "true"}),
    ]


def test_lists_where_they_are_expected(tmp_path):
    path = written(tmp_path, "a.jsonl", '{"sentence": "a", "label": ["é", null]}\n')

    rows = read_table(str(path), layouts=[SENTENCES], columns={}, structured=["label"])

    assert rows == [Row(1, {"text": "a", "label": '["é", null]'})]


@pytest.mark.parametrize(("ending", "compress"), COMPRESS.items())
def test_compressed_files(ending, compress, tmp_path):
    path = written(tmp_path, f"a.tsv{ending}", compress(b"sentence\tlabel\na\t1\n"))

    assert read(path) == [Row(2, {"text": "a", "label": "1"})]

    path.write_bytes(path.read_bytes()[:-3] if ending != ".zst" else b"no such thing")
    with pytest.raises(UserError, match=f"compressed as {ending}, .* is damaged"):
        read(path)


def test_byte_order_mark_carriage_returns_and_line_separators(tmp_path):
    path = written(tmp_path, "a.tsv", "\ufeffsentence\tlabel\r\na\u2028b\t1\r\n")

    assert read(path) == [Row(2, {"text": "a\u2028b", "label": "1"})]


def test_cells_that_are_not_read_may_be_empty(tmp_path):
    path = written(tmp_path, "a.tsv", "sentence\tsource\tlabel\na\t\t1\n")

    assert read(path) == [Row(2, {"text": "a", "label": "1"})]


def test_blanks_around_a_label_are_none_of_it(tmp_path):
    path = written(tmp_path, "a.csv", "sentence,label\n a, 1 \n")

    assert read(path) == [Row(2, {"text": " a", "label": "1"})]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.tsv",
            "sentence\tlabel\na\t1\nb\n",
            r"a\.tsv:3: expected 2 columns, received 1",
        ),
        ("a.tsv", "sentence\tlabel\na\tb\t1\n", r"a\.tsv:2: .* received 3"),
        ("a.csv", 'sentence,label\na,1\n"b,1\n', r"a\.csv:3: .* quotation marks"),
        ("a.csv", 'sentence,label\n"a"b,1\n', r"a\.csv:2: expected a line of comma"),
        ("a.csv", "label,sentence,x,label\n0,a,,1\n", r"a\.csv:1: expected one column"),
        ("a.csv", "sentence,label\na,1\nb, \n", r"a\.csv:3: .* 'label', received noth"),
        (
            "a.tsv",
            "category\tmessage\n" + "ham\tOk\n" * 3 + "spam\tWin\n" * 2,
            r"a\.tsv:1: .* received 'category', which may be a header or no label; na",
        ),
        (
            "a.tsv",
            "".join(f"{number}\tIt is {number}\n" for number in range(20)),
            r"a\.tsv:1: expected a label that other lines have too, received '0', which",
        ),
        ("a.csv", "1\t0\tsentence\n", r"a\.csv:1: expected commas .*, received tabs"),
        ("a.csv", "sentence,label\na,1\n , 1\n", r"a\.csv:3: .* 'sentence', received n"),
        ("a.tsv", "review\tstars\nNot bad\t4\n", r"a\.tsv:2: .* received 'Not bad' and"),
        ("a.tsv", b"sentence\tlabel\na\xff\t1\n", r"a\.tsv:2: expected UTF-8, .* 0xff"),
        ("a.tsv", "one\ttwo\tthree\n", r"a\.tsv:1: expected a table of a known layout"),
        ("a.tsv", "", "received an empty table"),
        ("a.tsv", "sentence\tlabel\n", "received an empty table"),
        ("a.jsonl", "\n", "received an empty table"),
        ("a.jsonl", '{"sentence": "a"}\n', r"a\.jsonl:1: expected a table of a known"),
        (
            "a.jsonl",
            '\n{"sentence": "\\ud83d", "label": 1}\n',
            r"a\.jsonl:2: expected a JSON object, received \\ud83d, which is half of a",
        ),
        ("a.jsonl", "[" * 100_000, r"a\.jsonl:1: expected a JSON object, .* recursion"),
        ("a.jsonl", "{\n", r"a\.jsonl:1: expected a JSON object, received no JSON"),
        ("a.jsonl", "[1]\n", r"a\.jsonl:1: expected a JSON object, received list"),
        (
            "a.jsonl",
            '{"sentence": "a", "label": 1}\n{"sentence": "b"}\n',
            r"a\.jsonl:2: expected a column 'label', received sentence",
        ),
        (
            "a.jsonl",
            '{"sentence": "a", "label": 1}\n{"sentence": null, "label": 1}\n',
            r"a\.jsonl:2: expected a text or a number as 'sentence', received null; mend",
        ),
        (
            "a.jsonl",
            '{"sentence": "a", "label": {"é": []}}\n',
            r"a\.jsonl:1: expected a text .* as 'label', received {\"é\": \[\]}; mend",
        ),
    ],
)
def test_broken_tables(name, text, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read(written(tmp_path, name, text))


def test_all_lines_that_are_too_short_are_told_of(tmp_path):
    path = written(tmp_path, "a.tsv", "sentence\tlabel\na\n" + "b\t1\n" + "c\n" * 7)
    message = r"a\.tsv:2: .* received 1 \(7 other lines are wrong, too: 4, 5, 6, 7, 8\)"

    with pytest.raises(UserError, match=message):
        read(path)


def test_a_column_that_is_not_there(tmp_path):
    path = written(tmp_path, "a.tsv", "sentence\tlabel\na\t1\n")

    with pytest.raises(UserError, match=r"a\.tsv:2: expected a column 'review'"):
        read(path, text="review", label="label")


@pytest.mark.parametrize(
    "columns",
    [
        {"label": "label"},
        {"text": "sentence"},
        {"text": "sentence", "label": "label", "foo": "id"},
    ],
)
def test_columns_that_the_task_does_not_have(columns, tmp_path):
    path = written(tmp_path, "a.tsv", "sentence\tlabel\na\t1\n")
    received = ", ".join(columns)

    with pytest.raises(UserError, match=f"expected text, label, received {received};"):
        read(path, **columns)


def test_columns_that_may_be_left_out(tmp_path):
    path = written(tmp_path, "a.tsv", "a\t1\n")
    layouts = [Layout({"text": "text"}), SENTENCES]

    assert read_table(str(path), layouts=layouts, columns={"text": "0"}) == [
        Row(1, {"text": "a"})
    ]
    with pytest.raises(UserError, match=r"expected text, \[label\], received label"):
        read_table(str(path), layouts=layouts, columns={"label": "1"})


def test_columns_by_number_of_a_table_with_a_header(tmp_path):
    rows = "".join(f"{number % 2}\ta\n" for number in range(9))
    path = written(tmp_path, "a.tsv", f"category\tmessage\n{rows}")

    with pytest.raises(
        UserError, match=r"a\.tsv:1: .* 'category', which .* put another one first"
    ):
        read(path, text="1", label="0")

    assert len(read(written(tmp_path, "b.tsv", rows), text="1", label="0")) == 9


def test_columns_that_are_not_read_may_have_one_name(tmp_path):
    path = written(tmp_path, "a.csv", "sentence,label,,\na,1,,\n")

    assert read(path) == [Row(2, {"text": "a", "label": "1"})]


def test_long_cells(tmp_path):
    path = written(tmp_path, "a.csv", f"sentence,label\n{'a' * 200_000},1\n")

    assert len(read(path)[0].cells["text"]) == 200_000


def test_what_stands_for_no_label(tmp_path):
    path = written(tmp_path, "a.csv", "premise,label\na,-1\nb,1\n")
    layout = Layout({"text": "premise", "label": "label"}, no_label="-1")

    rows = read_table(str(path), layouts=[layout], columns={})

    assert [row.cells["label"] for row in rows] == [NO_LABEL, "1"]


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "nothing.tsv")
