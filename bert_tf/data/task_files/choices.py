r"""Files of questions with choices: SWAG, OpenBookQA, MCTest and objects of one's own.

SWAG's .csv      startphrase (or sent1 and sent2), ending0 to ending3, label from 0
OpenBookQA's     {"question": {"stem": ..., "choices": [{"text": ..., "label": "A"},
  .jsonl          ...]}, "answerKey": "A"}; ARC and CommonsenseQA are written so too
MCTest's .tsv    a story and four questions a line; the answers beside it, in .ans
.jsonl           {"text": ..., "choices": [...], "label": 0 or "A"}

The label may be left out of all but MCTest, for questions to be answered.
"""

import dataclasses
import os
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from bert_tf.data.task_files.opening import parse_json, read_lines, wrong
from bert_tf.data.task_files.tables import Layout, Row, read_table
from bert_tf.errors import UserError

_QUESTIONS = 4  # that MCTest asks of a story
_CHOICES = 4  # of SWAG and MCTest
_FIRST_COLUMN = 3  # of MCTest's questions, after the number, the author and the story
_FACT = "fact"
_LETTERS = "ABCD"  # of MCTest's choices


@dataclasses.dataclass(frozen=True)
class Question:
    """A text and what may follow or answer it."""

    text: str
    choices: tuple[str, ...]
    answer: int | None  # the number of the right choice; None where nobody has said
    line: int


def _mctest() -> Layout:
    columns, cells = {"story": "2"}, [r".*"] * _FIRST_COLUMN
    for question in range(_QUESTIONS):
        first = _FIRST_COLUMN + question * (1 + _CHOICES)
        columns[f"question{question}"] = str(first)
        for choice in range(_CHOICES):
            columns[f"question{question}_choice{choice}"] = str(first + 1 + choice)
        cells += [r"(one|multiple): .*", *[r".*"] * _CHOICES]
    return Layout(columns, cells=tuple(cells))


_CHOICE = re.compile(r"choice(\d+)")
_ENDINGS = {f"choice{number}": f"ending{number}" for number in range(_CHOICES)}
_LAYOUTS = (
    *(
        Layout(columns | label)
        for label in ({"label": "label"}, {})
        for columns in (
            {"text": "startphrase"} | _ENDINGS,
            {"text": "sent1", "text_end": "sent2"} | _ENDINGS,
            {"text": "text", "choices": "choices"},
        )
    ),
    Layout({"question": "question", "label": "answerKey"}),
    Layout({"question": "question"}),
    _mctest(),
)


def read_questions(path: str, columns: Mapping[str, str]) -> list[Question]:
    """Reads a file of questions; which format it has is told by its content.

    Args:
        path: see `read_table`; beside MCTest's there is one whose name ends in .ans.
        columns: see `read_table`; empty to find them. The names are `text`, `text_end`
            (set after it), `label`, and `choices`, a list, or `choice0`, `choice1` and
            so on. `fact` is set before the text, and may be given alone.

    Raises:
        UserError: naming the line: it has fewer than two choices, one without text, or
            a label that names none of them. Answers of MCTest are not there.
    """
    columns = dict(columns)
    fact_column = columns.pop(_FACT, None)
    rows = read_table(
        path,
        layouts=_layouts_with(columns) if columns else _LAYOUTS,
        columns=columns,
        structured=("question", "choices"),
    )
    if "story" in rows[0].cells:
        return list(_questions_of_stories(path, rows))
    facts = (
        read_table(path, layouts=(), columns={_FACT: fact_column}) if fact_column else ()
    )
    return [
        _question(path, row, facts[number].cells[_FACT] if facts else "")
        for number, row in enumerate(rows)
    ]


def _layouts_with(columns: Mapping[str, str]) -> Sequence[Layout]:
    """With the names that are required beside those in `columns`, and with all."""
    choices = [name for name in columns if _CHOICE.fullmatch(name)] or ["choices"]
    required = ("question",) if "question" in columns else ("text", *choices)
    names = (required, (*required, "text_end", "label"))
    return [Layout(dict.fromkeys(each, "")) for each in names]


def _question(path: str, row: Row, fact: str) -> Question:
    if "question" in row.cells:
        text, choices, names = _question_of_object(path, row)
    else:
        text, choices = row.cells.get("text", ""), _choices_of_row(path, row)
        names = [str(number) for number in range(len(choices))]
    parts = (fact, text, row.cells.get("text_end", ""))
    text = " ".join(part for part in parts if part)
    return _checked(path, row.line, text, choices, row.cells.get("label"), names)


def _question_of_object(path: str, row: Row) -> tuple[str, list[str], list[str]]:
    """The stem, the choices and their names."""
    question = _json(path, row.line, row.cells["question"])
    try:
        choices = [(choice["text"], choice["label"]) for choice in question["choices"]]
        parts = [question["stem"], *(part for choice in choices for part in choice)]
    except (KeyError, TypeError):
        parts = [None]
    if not all(isinstance(part, str) for part in parts):
        raise wrong(
            path,
            row.line,
            "expected a question with a stem and choices that have a text and a label, "
            f"received {row.cells['question'][:60]!r}; mend the line.",
        )
    return parts[0], parts[1::2], parts[2::2]


def _choices_of_row(path: str, row: Row) -> list[str]:
    if "choices" not in row.cells:
        numbers = {
            int(match[1]): cell
            for name, cell in row.cells.items()
            if (match := _CHOICE.fullmatch(name))
        }
        return [numbers[number] for number in sorted(numbers)]
    choices = _json(path, row.line, row.cells["choices"])
    if not isinstance(choices, list) or not all(isinstance(c, str) for c in choices):
        raise wrong(
            path,
            row.line,
            f"expected a list of texts as choices, received {row.cells['choices'][:60]!r}"
            "; mend the line.",
        )
    return choices


def _json(path: str, line: int, cell: str) -> Any:
    """What `read_table` has made text of; None if it was text."""
    try:
        return parse_json(path, cell, line=line)
    except UserError:
        return None


def _questions_of_stories(path: str, rows: Sequence[Row]) -> Iterator[Question]:
    answers = _read_answers(path, num_stories=len(rows))
    for row, letters in zip(rows, answers, strict=True):
        story = _unescaped(row.cells["story"])
        for number, letter in enumerate(letters):
            name = f"question{number}"
            question = row.cells[name].partition(": ")[2]  # without "one" or "multiple"
            choices = [
                _unescaped(row.cells[f"{name}_choice{choice}"])
                for choice in range(_CHOICES)
            ]
            # The question is first: what is cut off is the end of the story.
            text = f"{_unescaped(question)}\n{story}"
            yield _checked(path, row.line, text, choices, letter, ())


def _unescaped(text: str) -> str:
    return text.replace("\\newline", "\n").replace("\\tab", "\t")


def _read_answers(path: str, *, num_stories: int) -> list[list[str]]:
    folder, name = os.path.split(path)
    stem, ending, compression = name.rpartition(".tsv")
    answers = os.path.join(
        folder, f"{stem}.ans{compression}" if ending else f"{name}.ans"
    )
    if not tf.io.gfile.exists(answers):
        raise UserError(
            f"{path}: expected the answers beside it in {answers!r}, received no such "
            "file; copy it there."
        )
    letters = [
        (line, text.split("\t")) for line, text in read_lines(answers) if text.strip()
    ]
    for line, cells in letters:
        if len(cells) != _QUESTIONS or not set(cells) <= set(_LETTERS):
            raise wrong(
                answers,
                line,
                f"expected {_QUESTIONS} letters of {_LETTERS}, received "
                f"{' '.join(cells)[:60]!r}; mend the line.",
            )
    if len(letters) != num_stories:
        raise UserError(
            f"{answers}: expected a line for each of the {num_stories} stories of "
            f"{path!r}, received {len(letters)}; copy both files again."
        )
    return [cells for _, cells in letters]


def _checked(
    path: str,
    line: int,
    text: str,
    choices: Sequence[str],
    label: str | None,
    names: Sequence[str],
) -> Question:
    """A question; `names` are what labels may call the choices beside their letters."""
    if len(choices) < 2:
        raise wrong(
            path, line, f"expected 2 choices or more, received {len(choices)}; add some."
        )
    if not all(choice.strip() for choice in choices):
        raise wrong(
            path, line, "expected a text for each choice, received one without; mend it."
        )
    names = list(names)
    letters = list(string.ascii_uppercase[: len(choices)])
    if label is None:
        answer = None
    elif label in names:
        answer = names.index(label)
    elif label in letters and not set(names) & set(letters):
        answer = letters.index(label)
    else:
        known = ", ".join(names or letters)
        raise wrong(
            path,
            line,
            f"expected the label of one of the {len(choices)} choices ({known}), "
            f"received {label!r}; mend it.",
        )
    return Question(text, tuple(choices), answer, line)
