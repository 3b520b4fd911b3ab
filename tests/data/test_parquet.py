"""Parquet files: every row once, whatever the row groups."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bert_tf import errors
from bert_tf.data import documents, parquet, readers

TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.dictionary(pa.int32(), pa.string()),
]


def write(texts, *, column_type=None, rows_per_group=2, name="text"):
    """A Parquet file with other columns too, one of them with a field of this name."""
    table = pa.table(
        {
            "id": list(range(len(texts))),
            "nested": [{"text": "no"}] * len(texts),
            name: pa.array(texts, column_type or pa.string()),
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=rows_per_group)
    return file.getvalue()


def read(content, *, range_groups=1, text_field="text"):
    num_groups = len(parquet.row_group_bytes(io.BytesIO(content), "a", text_field))
    return [
        found
        for start in range(0, num_groups, range_groups)
        for found in readers.read_documents(
            io.BytesIO(content),
            documents.ByteRange("a", start, start + range_groups),
            input_format="parquet",
            text_field=text_field,
        )
    ]


@pytest.mark.parametrize("column_type", TYPES)
def test_rows_are_documents_of_paragraphs(column_type):
    texts = ["He left. Why?\nNo", "\ufeffGröße ", None, "", "Last."]
    found = read(write(texts, column_type=column_type))
    assert found == [
        documents.Document("a", 0, 16, b"He left.\nWhy?\nNo"),
        documents.Document("a", 1, 11, "Größe".encode()),
        documents.BadDocument("a", 2, 0, "no_text_field", "null"),
        documents.Document("a", 4, 5, b"Last."),
    ]


@pytest.mark.parametrize("rows_per_group", [1, 7, 1000])
@pytest.mark.parametrize("range_groups", [1, 3])
def test_row_groups_do_not_matter(rows_per_group, range_groups):
    texts = [f"Text {number}." for number in range(50)]
    content = write(texts, rows_per_group=rows_per_group, name="body")
    found = read(content, range_groups=range_groups, text_field="body")
    assert [each.text.decode() for each in found] == texts
    assert [each.offset for each in found] == list(range(50))


def test_bad_rows(monkeypatch):
    monkeypatch.setattr(readers, "MAX_DOCUMENT_BYTES", 10)
    found = read(write([b"12345678901", b"\xff", b"ok"], column_type=pa.binary()))
    assert [(each.offset, each.num_bytes) for each in found] == [(0, 11), (1, 1), (2, 2)]
    assert [each.reason for each in found[:2]] == ["document_too_long", "not_utf8"]
    assert found[2].text == b"ok"


def test_rows_before_the_damage_are_kept():
    content = bytearray(write(["One.", "Two.", "Three."], rows_per_group=1))
    last_page = bytes(content).rindex(b"Three.", 0, len(content) // 2)
    content[last_page - 30 : last_page] = b"\xff" * 30
    first, second, bad = read(bytes(content))
    assert (first.text, second.text) == (b"One.", b"Two.")
    assert (bad.offset, bad.reason) == (2, "damaged_file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"One.\n\nTwo.\n", "--input: expected Parquet files, received 'a.pq' "),
        (write(["One."])[:-9], "--input: expected Parquet files, received 'a.pq' "),
        (
            write(["One."], name="body"),
            r"--text_field: expected a column of strings in 'a.pq', received 'text'; "
            r"name one of its columns: id \(int64\), nested .*, body \(string\)\.",
        ),
        (
            write([1], column_type=pa.int8()),
            r"'text'; name one of its columns: .*, text \(int8\)\.",
        ),
    ],
)
def test_mistakes_are_the_users(content, message):
    with pytest.raises(errors.UserError, match=message):
        parquet.row_group_bytes(io.BytesIO(content), "a.pq", "text")


def test_sizes_are_told():
    texts = [f"{number:09}" * 100 for number in range(100)]
    sizes = parquet.row_group_bytes(
        io.BytesIO(write(texts, rows_per_group=50)), "a", "text"
    )
    assert len(sizes) == 2
    assert sum(sizes) == pytest.approx(90_000, rel=0.05)


class CountingFile(io.BytesIO):
    num_bytes = 0

    def read(self, size=-1):
        found = super().read(size)
        self.num_bytes += len(found)
        return found


def test_a_row_group_is_not_read_at_once():
    texts = [f"{number:09}" * 10_000 for number in range(300)]
    file = CountingFile(write(texts, rows_per_group=300))
    before = pa.total_allocated_bytes()
    first = next(parquet.rows(file, documents.ByteRange("a", 0, 1), "text"))
    assert first == (0, texts[0].encode())
    assert file.num_bytes < 10 << 20
    assert pa.total_allocated_bytes() - before < 10 << 20
