r"""Tables of examples: .tsv, .csv and .jsonl, with a header or without one.

Tabs separate the columns of .tsv, and quotation marks mean nothing there, as in GLUE's
files; .csv is read as spreadsheets write it. Lines of .jsonl are objects.
"""

import csv
import dataclasses
import io
import json
import os
import re
from collections.abc import Container, Iterator, Mapping, Sequence

from bert_tf.data.task_files.opening import read_lines, read_text, wrong
from bert_tf.errors import UserError

FORMATS = ("tsv", "csv", "jsonl")


@dataclasses.dataclass(frozen=True)
class Row:
    """The cells of one example by the names of their columns."""

    line: int  # of the file, from 1
    cells: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a table of a known shape calls its columns.

    Its header has them all; a table without a header has `cells`, patterns of its first
    row's, and columns by number.
    """

    columns: Mapping[str, str]  # from what a task calls it to what the table does
    cells: tuple[str, ...] = ()

    def has_header(self, first: Sequence[str]) -> bool:
        """Whether `first` is the header of such a table."""
        return not self.cells and set(self.columns.values()) <= set(first)

    def has_row(self, first: Sequence[str]) -> bool:
        """Whether `first` is a row of such a table without a header."""
        return len(first) == len(self.cells) > 0 and all(
            re.fullmatch(pattern, cell, re.DOTALL)
            for pattern, cell in zip(self.cells, first, strict=True)
        )


def read_table(
    path: str,
    *,
    layouts: Sequence[Layout],
    columns: Mapping[str, str],
    structured: Container[str] = (),
) -> list[Row]:
    """Reads the columns that a task needs.

    Args:
        path: of a file whose name ends in .tsv, .csv, .jsonl or, for tables of tabs,
            something else; compressed or not.
        layouts: tables that are known by their header or by their first row.
        columns: from what the task calls a column to its name in this table, or to its
            number from 0 where there is no header; empty to find it in `layouts`.
        structured: of the task's columns those that hold lists or objects in .jsonl;
            their cells are JSON. Others hold texts, numbers or truth values.

    Returns:
        Rows with the names that the task has for its columns.

    Raises:
        UserError: naming the line: a row has too few or too many cells, or a quotation
            mark without its twin; a column is not there, or has null, a list or an
            object where it should not; the table is empty.
    """
    if _format_of(path) == "jsonl":
        rows = list(_read_objects(path))
        if not rows:
            raise _empty(path)
        names = columns or _columns_of_header(path, list(rows[0].cells), layouts)
        return [_select(path, row, names, structured) for row in rows]
    lines = list(_read_cells(path))
    if not lines:
        raise _empty(path)
    header, names = _header_and_columns(path, lines[0][1], layouts, columns)
    if header is None:
        header = [str(number) for number in range(len(lines[0][1]))]
    else:
        lines = lines[1:]
    rows = []
    for number, cells in lines:
        if len(cells) != len(header):
            raise wrong(
                path,
                number,
                f"expected {len(header)} columns, received {len(cells)}; mend the line.",
            )
        row = Row(number, dict(zip(header, cells, strict=True)))
        rows.append(_select(path, row, names, structured))
    if not rows:
        raise _empty(path)
    return rows


def _format_of(path: str) -> str:
    name = os.path.basename(path)
    for ending in (".gz", ".bz2", ".xz", ".zst"):
        name = name.removesuffix(ending)
    ending = os.path.splitext(name)[1].removeprefix(".")
    return ending if ending in FORMATS else "tsv"


def _read_cells(path: str) -> Iterator[tuple[int, list[str]]]:
    if _format_of(path) == "csv":
        yield from _read_csv(path)
        return
    for number, line in read_lines(path):
        if line:
            yield number, line.split("\t")


def _read_csv(path: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    number = 1
    try:
        for cells in reader:
            if cells:
                yield number, cells
            number = reader.line_num + 1  # cells may hold line breaks
    except csv.Error as error:
        raise wrong(
            path,
            number,
            f"expected a line of comma-separated values, received one that is none "
            f"({error}); mend its quotation marks.",
        ) from error


def _read_objects(path: str) -> Iterator[Row]:
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except ValueError as error:
            raise wrong(
                path, number, f"expected a JSON object, received no JSON ({error})."
            ) from error
        if not isinstance(cells, dict):
            raise wrong(
                path, number, f"expected a JSON object, received {type(cells).__name__}."
            )
        yield Row(number, cells)


def _header_and_columns(
    path: str,
    first: Sequence[str],
    layouts: Sequence[Layout],
    columns: Mapping[str, str],
) -> tuple[list[str] | None, Mapping[str, str]]:
    """The header, None without one, and the names of the task's columns in it."""
    if columns:
        is_numbered = all(name.isdigit() for name in columns.values())
        return (None if is_numbered else list(first)), columns
    for layout in layouts:
        if layout.has_header(first):
            return list(first), layout.columns
    for layout in layouts:
        if layout.has_row(first):
            return None, layout.columns
    raise _unknown(path, first)


def _columns_of_header(
    path: str, header: Sequence[str], layouts: Sequence[Layout]
) -> Mapping[str, str]:
    for layout in layouts:
        if layout.has_header(header):
            return layout.columns
    raise _unknown(path, header)


def _unknown(path: str, first: Sequence[str]) -> UserError:
    shown = ", ".join(repr(cell[:20]) for cell in first[:10])
    return UserError(
        f"{path}:1: expected a table of a known layout, received one that begins with "
        f"{shown}; name its columns (--columns=text=sentence,label=label, or by number "
        "from 0 where there is no header)."
    )


def _select(
    path: str, row: Row, columns: Mapping[str, str], structured: Container[str]
) -> Row:
    cells = {}
    for name, column in columns.items():
        if column not in row.cells:
            raise wrong(
                path,
                row.line,
                f"expected a column {column!r}, received {', '.join(row.cells)}; name "
                "another with --columns.",
            )
        value = row.cells[column]
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if not isinstance(value, str | int | float) and name not in structured:
            raise wrong(
                path,
                row.line,
                f"expected a text or a number as {column!r}, received {text[:60]}; mend "
                "the line.",
            )
        cells[name] = text
    return Row(row.line, cells)


def _empty(path: str) -> UserError:
    return UserError(f"{path}: expected examples, received an empty table.")
