r"""Sentences of labelled words, a word a line: CoNLL's columns and CoNLL-U.

CoNLL's columns are separated by tabs or by spaces, and an empty line ends a sentence:

    Bob    NNP  B-PER
    ran    VBD  O

CoNLL-U has ten columns, separated by tabs, and comments:
https://universaldependencies.org/format.html
"""

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from bert_tf.data.task_files.opening import read_lines, wrong
from bert_tf.errors import UserError

_CONLL_U_PATH = re.compile(r"\.conllu(\.(gz|bz2|xz|zst))?$")
_CONLL_U_COLUMNS = (
    *("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc"),
)
_WORD_ID = re.compile(r"\d+")
# Of what several words are contracted to, and of words that the text leaves out.
_NO_WORD_ID = re.compile(r"\d+-\d+|\d+\.\d+")
_DOCUMENT_START = "-DOCSTART-"

_Row = tuple[int, list[str]]  # the line's number and its cells; none between sentences


@dataclasses.dataclass(frozen=True)
class Sentence:
    """One or more words."""

    lines: list[int]  # of each word, from 1
    words: list[str]
    labels: list[str] | None  # of each word; None where the file has none


def read_sentences(path: str, *, columns: Mapping[str, str]) -> list[Sentence]:
    """Reads words and their labels.

    Args:
        path: of a file of CoNLL-U if its name ends in .conllu, else of CoNLL's columns;
            compressed or not.
        columns: from `text` and `label` to columns, by number from 0 or, in CoNLL-U, by
            name, such as xpos. Without it they are the first and the last column, in
            CoNLL-U form and upos; of one column alone, words without labels.

    Raises:
        UserError: naming the line: it has too few or too many columns, or a word or a
            label without any character; a column is not there; there is no sentence.
    """
    is_conll_u = bool(_CONLL_U_PATH.search(path))
    rows = _read_conll_u(path) if is_conll_u else _read_columns(path)
    names = _CONLL_U_COLUMNS if is_conll_u else ()
    blocks = [
        list(block)
        for is_sentence, block in itertools.groupby(rows, lambda row: bool(row[1]))
        if is_sentence
    ]
    if not blocks:
        raise UserError(
            f"{path}: expected sentences, received none; check that the file holds a "
            "word and its label a line."
        )
    line, cells = blocks[0][0]
    defaults = {"text": "0"}
    if is_conll_u:
        defaults = {"text": "form", "label": "upos"}
    elif len(cells) > 1:
        defaults["label"] = str(len(cells) - 1)
    numbers = _column_numbers(path, line, defaults | dict(columns), names, len(cells))
    return [_sentence(path, block, **numbers) for block in blocks]


def _read_columns(path: str) -> Iterator[_Row]:
    first, first_number = [], 0
    has_tabs = False
    for number, line in read_lines(path):
        if not line.strip() or line.startswith(_DOCUMENT_START):
            yield number, []
            continue
        has_tabs = has_tabs if first else "\t" in line
        cells = line.split("\t") if has_tabs else re.split(" +", line.rstrip(" "))
        if not first:
            first, first_number = cells, number
        _check_width(path, number, cells, len(first), f" as in line {first_number}")
        yield number, cells


def _read_conll_u(path: str) -> Iterator[_Row]:
    for number, line in read_lines(path):
        if not line.strip():
            yield number, []
            continue
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        _check_width(path, number, cells, len(_CONLL_U_COLUMNS))
        if _WORD_ID.fullmatch(cells[0]):
            yield number, cells
        elif not _NO_WORD_ID.fullmatch(cells[0]):
            raise wrong(
                path,
                number,
                f"expected a word's number, as 1, 1-2 or 1.1, received {cells[0]!r}; "
                "mend the line.",
            )


def _check_width(
    path: str, line: int, cells: Sequence[str], expected: int, why: str = ""
) -> None:
    if len(cells) != expected:
        raise wrong(
            path,
            line,
            f"expected {expected} columns{why}, received {len(cells)}; mend the line.",
        )


def _column_numbers(
    path: str, line: int, columns: Mapping[str, str], names: Sequence[str], width: int
) -> dict[str, int]:
    """The numbers of the task's columns, of which there are `width`."""
    by_name = {name: number for number, name in enumerate(names)}
    by_name |= {str(number): number for number in range(width)}
    for name, column in columns.items():
        if name not in ("text", "label"):
            raise UserError(
                f"columns: expected text and label, received {name!r}; leave it out."
            )
        if column not in by_name:
            raise wrong(
                path,
                line,
                f"expected a column {column!r}, received {', '.join(by_name)}; name "
                "another with --columns.",
            )
    return {name: by_name[column] for name, column in columns.items()}


def _sentence(
    path: str, rows: Sequence[_Row], *, text: int, label: int | None = None
) -> Sentence:
    words = [_cell(path, row, text, "a word") for row in rows]
    labels = None
    if label is not None:
        labels = [_cell(path, row, label, "a label") for row in rows]
    return Sentence([line for line, _ in rows], words, labels)


def _cell(path: str, row: _Row, column: int, what: str) -> str:
    line, cells = row
    value = cells[column].strip(" ")
    if not value:
        raise wrong(
            path, line, f"expected {what} in column {column}, received nothing; mend it."
        )
    return value
