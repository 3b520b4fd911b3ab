"""What docstrings say of the arguments of functions, in Google's or in NumPy's style.

Args:                       Parameters
  axis (int): The axis.     ----------
                            axis : int
                                The axis.
"""

import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipelines.docstrings import sentences_of

_GOOGLE_TITLE = re.compile(r" *(Args|Arguments|Parameters):")
_NUMPY_TITLE = re.compile(r"(Parameters|Other Parameters)")
_UNDERLINE = re.compile(r"-{3,}")
_NAME = r"[*`]*(?P<name>\w+)[*`]*"
_GOOGLE_ENTRY = re.compile(rf"{_NAME}( \([^)]*\))?:(?P<description>.*)")
_NUMPY_ENTRY = re.compile(rf"{_NAME}( ?:.*)?(?P<description>)")


class Argument(NamedTuple):
    """An argument, and the first sentence of its description without markup."""

    name: str
    description: str


def arguments_of(docstring: str) -> list[Argument]:
    """The arguments that a docstring describes, in its order.

    Args:
        docstring: its common indentation removed.

    Returns:
        Those of the first section of arguments; none where there is no such section.
        Arguments without a description are left out, as are several that share one.
    """
    lines = [line.rstrip() for line in docstring.expandtabs().split("\n")]
    for number, line in enumerate(lines):
        rest = lines[number + 1 :]
        if _GOOGLE_TITLE.fullmatch(line):
            return list(_read_entries(_deeper_lines(rest, line), _GOOGLE_ENTRY))
        if _NUMPY_TITLE.fullmatch(line) and rest and _UNDERLINE.fullmatch(rest[0]):
            return list(_read_entries(_lines_before_title(rest[1:]), _NUMPY_ENTRY))
    return []


def _deeper_lines(lines: Iterable[str], title: str) -> list[str]:
    """The lines up to one that is no deeper than the title."""
    return list(
        itertools.takewhile(
            lambda line: not line or _indent(line) > _indent(title), lines
        )
    )


def _lines_before_title(lines: list[str]) -> list[str]:
    """The lines up to one that is underlined."""
    for number, line in enumerate(lines):
        if _UNDERLINE.fullmatch(line):
            return lines[: number - 1]
    return lines


def _read_entries(section: list[str], entry: re.Pattern[str]) -> Iterator[Argument]:
    """The arguments of a section.

    What is deeper than its first line belongs to the entry above it, and so does what
    is no entry itself.
    """
    lines = textwrap.dedent("\n".join(section)).split("\n")
    starts = [number for number, line in enumerate(lines) if entry.fullmatch(line)]
    for start, end in itertools.pairwise([*starts, len(lines)]):
        head = entry.fullmatch(lines[start])
        body = textwrap.dedent("\n".join(lines[start + 1 : end]))
        sentence = next(sentences_of(f"{head['description'].strip()}\n{body}"), None)
        if sentence:
            yield Argument(head["name"], sentence)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
