"""Parts that every report has."""

import re
from collections.abc import Sequence

from bert_tf.html.elements import Element, element


def section(title: str, *content: Element, **attributes: str) -> Element:
    """A card under a heading."""
    return element("section", element("h2", title), *content, **attributes)


def warnings(lines: Sequence[str]) -> Element:
    """What is odd: a line each, or that nothing is."""
    if not lines:
        return element("p", "✓ Nothing odd was found.", class_="fine")
    return section(
        counted(len(lines), "warning"),
        element("ul", *(element("li", *_with_flags(line)) for line in lines)),
        class_="warnings",
    )


def setting(value: object, *, default: object) -> Element | str:
    """The value of a setting; one that was changed stands beside its default."""
    if value == default:
        return f"{value}"
    return element(
        "span", element("b", f"{value}"), element("small", f"default {default}")
    )


def counted(number: int, noun: str) -> str:
    """`1 file`, `2,000 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _with_flags(line: str) -> list[Element | str]:
    """A warning whose command-line flags are set as code."""
    return [
        element("code", part) if part.startswith("--") else part
        for part in re.split(r"(--[\w=.]*\w)", line)
    ]
