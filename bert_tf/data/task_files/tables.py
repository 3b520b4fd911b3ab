r"""Tables of examples: .tsv, .csv and .jsonl, with a header or without one.

Tabs separate the columns of .tsv, and quotation marks mean nothing there, as in GLUE's
files; .csv is read as spreadsheets write it. Lines of .jsonl are objects.
"""

import csv
import dataclasses
import functools
import io
import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence, Set

from bert_tf.data.task_files.opening import (
    ending_of,
    parse_json,
    read_lines,
    read_text,
    wrong,
)
from bert_tf.errors import UserError

FORMATS = ("tsv", "csv", "jsonl")
NO_LABEL = ""  # those who judged did not agree, or it is kept secret
_LABEL = "label"  # what tasks call it
TARGETS = frozenset({_LABEL, "score", "summary", "target"})  # of all tasks
_MANY = 20  # rows of which most should have a label that others have too
_SHOWN_LINES = 5  # of those that are wrong
_MAX_CELL_SIZE = 2**31 - 1  # characters; Python's own limit is that of an article


@dataclasses.dataclass(frozen=True)
class Row:
    """The cells of one example by the names of their columns."""

    line: int  # of the file, from 1
    cells: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a table of a known shape calls its columns.

    Its header has them all; a table without a header has `cells`, patterns of each
    row's, and columns by number.
    """

    columns: Mapping[str, str]  # from what a task calls it to what the table does
    cells: tuple[str, ...] = ()
    header: tuple[str, ...] = ()  # patterns of a first row that is another table's header
    no_label: str | None = None  # what stands where there is no label

    @property
    def is_numbered(self) -> bool:
        """Whether such a table has no header."""
        return all(column.isdigit() for column in self.columns.values())

    def has_header(self, first: Sequence[str]) -> bool:
        """Whether `first` is the header of such a table."""
        return not self.cells and set(self.columns.values()) <= set(first)

    def has_first_row(self, first: Sequence[str]) -> bool:
        """Whether such a table without a header may begin with `first`."""
        return self.has_row(first) and not _are_like(first, self.header)

    def has_row(self, cells: Sequence[str]) -> bool:
        """Whether `cells` are a row of such a table without a header."""
        return _are_like(cells, self.cells)


def _are_like(cells: Sequence[str], patterns: Sequence[str]) -> bool:
    return len(cells) == len(patterns) > 0 and all(
        re.fullmatch(pattern, cell, re.DOTALL)
        for pattern, cell in zip(patterns, cells, strict=True)
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
            number from 0 where there is no header; empty to find it in `layouts`. Names
            are those that any of `layouts` has, and those that all have are required.
            Of labels and the like that are not, a row's cell may be empty or null.
        structured: of the task's columns those that hold lists or objects in .jsonl;
            their cells are JSON. Others hold texts, numbers or truth values.

    Returns:
        Rows with the names that the task has for its columns.

    Raises:
        UserError: naming the line: a row has too few or too many cells, or a quotation
            mark without its twin; a column is not there or there twice, or has null, a
            list or an object where it should not; a cell that is needed is empty; what
            is taken for labels is not, or has a header; the table is empty. Or `columns`
            has a name that the task does not know, or lacks one.
    """
    names = [frozenset(layout.columns) for layout in layouts] or [frozenset(columns)]
    required = frozenset.intersection(*names)
    _check_names(columns, layouts, required)
    optional = TARGETS - required
    select = functools.partial(_select, path, optional=optional, structured=structured)
    if format_of(path) == "jsonl":
        rows = list(_read_objects(path))
        if not rows:
            raise _empty(path)
        with_header = [layout for layout in layouts if not layout.cells]
        layout = _layout_of(path, list(rows[0].cells), with_header, columns)
        return [select(row, layout) for row in rows]
    lines = list(_read_cells(path))
    if not lines:
        raise _empty(path)
    line, header = lines[0]
    if format_of(path) == "csv" and len(header) == 1 and "\t" in header[0]:
        raise wrong(
            path,
            line,
            "expected commas between the columns of .csv, received tabs; name it .tsv.",
        )
    layout = _layout_of(path, header, layouts, columns)
    if layout.is_numbered:
        header = [str(number) for number in range(len(header))]
    else:
        lines = lines[1:]
    for column in layout.columns.values():
        if header.count(column) > 1:
            raise wrong(
                path,
                line,
                f"expected one column {column!r}, received {header.count(column)}; "
                "rename the others.",
            )
    _check_widths(path, lines, len(header))
    rows = []
    for number, cells in lines:
        if layout.cells and not layout.has_row(cells):
            raise wrong(
                path,
                number,
                f"expected a row like the first, received {cells[0][:60]!r} and so on; "
                "mend the line, or name the columns (--columns).",
            )
        row = Row(number, dict(zip(header, cells, strict=True)))
        rows.append(select(row, layout))
    if not rows:
        raise _empty(path)
    is_guessed = layout.has_row([_LABEL] * len(header))
    if is_guessed or (columns and layout.is_numbered):
        _check_are_labels(path, rows, is_guessed=is_guessed)
    return rows


def refuse_columns(columns: Mapping[str, str], format: str) -> None:
    """Raises UserError for columns of a format that has none."""
    if columns:
        raise UserError(
            f"--columns: expected none for {format}, received {dict(columns)}; leave it "
            "out."
        )


def format_of(path: str) -> str:
    """Which of FORMATS the name of a file tells, compressed or not."""
    ending = ending_of(path)
    return ending if ending in FORMATS else "tsv"


def _read_cells(path: str) -> Iterator[tuple[int, list[str]]]:
    if format_of(path) == "csv":
        yield from _read_csv(path)
        return
    for number, line in read_lines(path):
        if line:
            yield number, line.split("\t")


def _read_csv(path: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_MAX_CELL_SIZE)
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
        cells = parse_json(path, line, line=number, expected="a JSON object")
        if not isinstance(cells, dict):
            raise wrong(
                path, number, f"expected a JSON object, received {type(cells).__name__}."
            )
        yield Row(number, cells)


def _check_names(
    columns: Mapping[str, str], layouts: Sequence[Layout], required: Set[str]
) -> None:
    if not columns or not layouts:
        return
    known = dict.fromkeys(name for layout in layouts for name in layout.columns)
    if not required <= columns.keys() <= known.keys():
        names = (name if name in required else f"[{name}]" for name in known)
        raise UserError(
            f"--columns: expected {', '.join(names)}, received {', '.join(columns)}; "
            "name the column of each, of those in brackets where there is one."
        )


def _check_widths(
    path: str, lines: Sequence[tuple[int, list[str]]], expected: int
) -> None:
    """Raises UserError naming the lines that have too few cells or too many."""
    wrong_lines = [(line, len(cells)) for line, cells in lines if len(cells) != expected]
    if not wrong_lines:
        return
    (first, received), *others = wrong_lines
    shown = ", ".join(str(line) for line, _ in others[:_SHOWN_LINES])
    also = f" ({len(others)} other lines are wrong, too: {shown})" if others else ""
    raise wrong(
        path,
        first,
        f"expected {expected} columns, received {received}{also}; mend or drop the line.",
    )


def _check_are_labels(path: str, rows: Sequence[Row], *, is_guessed: bool) -> None:
    """Raises UserError if only the first row has a label of its own.

    Or if most have, where it is guessed that these are labels.
    """
    first, *others = (row.cells.get(_LABEL) for row in rows)
    are_repeated = len(others) > 2 * len(set(others))
    is_header = are_repeated and first not in others
    is_text = is_guessed and not are_repeated and len(rows) >= _MANY
    if first is not None and (is_header or is_text):
        if is_guessed:
            todo = (
                "name the columns (--columns=text=message,label=category, or by number "
                "from 0 where there is no header)"
            )
        else:
            todo = "leave the line out, or put another one first if it is none"
        raise wrong(
            path,
            rows[0].line,
            f"expected a label that other lines have too, received {first!r}, which may "
            f"be a header or no label; {todo}.",
        )


def _layout_of(
    path: str,
    first: Sequence[str],
    layouts: Sequence[Layout],
    columns: Mapping[str, str],
) -> Layout:
    """The layout of a table that begins with these cells."""
    if columns:
        return Layout(columns)
    for is_like in (Layout.has_header, Layout.has_first_row):
        for layout in layouts:
            if is_like(layout, first):
                return layout
    raise _unknown(path, first, layouts)


def _unknown(path: str, first: Sequence[str], layouts: Sequence[Layout]) -> UserError:
    shown = ", ".join(repr(cell[:20]) for cell in first[:10])
    columns = ",".join(map("=".join, layouts[0].columns.items()))
    return UserError(
        f"{path}:1: expected a table of a known layout, received one that begins with "
        f"{shown}; name its columns (--columns={columns}, or by number from 0 where "
        "there is no header)."
    )


def _select(
    path: str,
    row: Row,
    layout: Layout,
    *,
    optional: Container[str],
    structured: Container[str],
) -> Row:
    cells = {}
    for name, column in layout.columns.items():
        if column not in row.cells:
            raise wrong(
                path,
                row.line,
                f"expected a column {column!r}, received {', '.join(row.cells)}; name "
                "another with --columns.",
            )
        value = row.cells[column]
        if name == _LABEL and isinstance(value, float) and value.is_integer():
            value = int(value)  # as pandas writes 1 where other rows have no label
        is_empty = value is None or (isinstance(value, str) and not value.strip())
        if is_empty and name in optional:
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if not isinstance(value, str | int | float) and name not in structured:
            raise wrong(
                path,
                row.line,
                f"expected a text or a number as {column!r}, received {text[:60]}; mend "
                "the line.",
            )
        if not text.strip():
            raise wrong(
                path,
                row.line,
                f"expected something in the column {column!r}, received nothing; fill it "
                "in, or leave the line out.",
            )
        if name == _LABEL:
            text = text.strip()
            text = NO_LABEL if text == layout.no_label else text
        cells[name] = text
    return Row(row.line, cells)


def _empty(path: str) -> UserError:
    return UserError(f"{path}: expected examples, received an empty table.")
