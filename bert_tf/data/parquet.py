"""Texts in a column of a Parquet file, read by row group."""

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from bert_tf.data.documents import BadDocument, ByteRange
from bert_tf.errors import UserError

# Of rows that are in memory together; the second for texts that are often repeated,
# which are small in the file.
_BATCH_BYTES = 1 << 20
_BATCH_ROWS = 1 << 10


def row_group_bytes(stream: BinaryIO, path: str, text_field: str) -> tuple[int, ...]:
    """How much text there is in each row group, about; this reads the file's end only.

    Args:
        stream: the file, seekable.
        path: its name, for people.
        text_field: the column.

    Raises:
        UserError: this is no Parquet file, or it has no such column of strings.
    """
    try:
        file = pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"--input: expected Parquet files, received {path!r} ({error}); name others "
            "or change --input_format."
        ) from error
    schema = file.schema_arrow
    column = schema.get_field_index(text_field)
    if column < 0 or not _is_text(schema.field(column).type):
        columns = ", ".join(f"{field.name} ({field.type})" for field in schema)
        raise UserError(
            f"--text_field: expected a column of strings in {path!r}, received "
            f"{text_field!r}; name one of its columns: {columns}."
        )
    groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
    return tuple(_column_bytes(group, text_field) for group in groups)


def rows(
    stream: BinaryIO, row_groups: ByteRange, text_field: str
) -> Iterator[tuple[int, bytes] | BadDocument]:
    """The texts of row groups: the number of each row in the file, and what it has.

    Where it has nothing there is a BadDocument (reason `no_text_field`). A file that is
    damaged gives the rows before the damage and a last BadDocument (`damaged_file`).

    Args:
        stream: the file, seekable.
        row_groups: which ones.
        text_field: the column.
    """
    path = row_groups.path
    row = 0
    try:
        # With a buffer a row group is not read at once.
        file = pq.ParquetFile(stream, buffer_size=_BATCH_BYTES)
        for number in range(file.num_row_groups)[: row_groups.end]:
            group = file.metadata.row_group(number)
            if number < row_groups.start:
                row += group.num_rows
                continue
            batches = file.iter_batches(
                batch_size=_batch_rows(group, text_field),
                row_groups=[number],
                columns=[text_field],
            )
            for batch in batches:
                # As bytes, since Parquet does not promise that strings are UTF-8.
                for content in batch.column(0).cast(pa.large_binary()).to_pylist():
                    if content is None:
                        yield BadDocument(path, row, 0, "no_text_field", "null")
                    else:
                        yield row, content
                    row += 1
    except (pa.ArrowException, OSError) as error:
        yield BadDocument(
            path, row, 0, "damaged_file", f"{type(error).__name__}: {error}"
        )


def _is_text(column_type: pa.DataType) -> bool:
    if pa.types.is_dictionary(column_type):
        column_type = column_type.value_type
    return column_type in (
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
    )


def _column_bytes(group: pq.RowGroupMetaData, name: str) -> int:
    columns = map(group.column, range(group.num_columns))
    return sum(
        column.total_uncompressed_size
        for column in columns
        if column.path_in_schema == name
    )


def _batch_rows(group: pq.RowGroupMetaData, name: str) -> int:
    row_bytes = _column_bytes(group, name) // max(group.num_rows, 1)
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(row_bytes, 1)))
