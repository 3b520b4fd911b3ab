"""HTML, built so that no text can be taken for markup."""

import pathlib
import unicodedata
from collections.abc import Sequence
from xml.etree import ElementTree

Element = ElementTree.Element

_STYLE = pathlib.Path(__file__).with_name("report.css").read_text(encoding="utf-8")
# No script, and nothing from elsewhere.
_NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'"
# Those that no font shows but that change how their neighbours look: controls, marks of
# direction, line breaks. Also what UTF-8 cannot hold.
_UNSEEN_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def element(tag: str, *children: Element | str, **attributes: object) -> Element:
    """Makes an element, such as `<p class="note">` by `element("p", class_="note")`.

    Args:
        tag: its name.
        *children: elements, and text that is escaped when it is written.
        **attributes: an underscore stands for a hyphen; one at the end is left out.
    """
    built = Element(
        tag,
        {
            name.removesuffix("_").replace("_", "-"): str(value)
            for name, value in attributes.items()
        },
    )
    for child in children:
        if isinstance(child, Element):
            built.append(child)
        elif len(built):
            built[-1].tail = (built[-1].tail or "") + visible(child)
        else:
            built.text = (built.text or "") + visible(child)
    return built


def visible(text: str) -> str:
    """`text` with a name such as `U+202E` for each character that cannot be seen."""
    return "".join(
        f"U+{ord(character):04X}"
        if unicodedata.category(character) in _UNSEEN_CATEGORIES
        else character
        for character in text
    )


def table(head: Sequence[str], rows: Sequence[Sequence[Element | str]]) -> Element:
    """A table that is scrolled sideways where it is too wide.

    Args:
        head: of the columns; the first also names the table.
        rows: their cells; the first is the head of its row.
    """
    return element(
        "div",
        element(
            "table",
            element(
                "thead",
                element("tr", *(element("th", each, scope="col") for each in head)),
            ),
            element(
                "tbody",
                *(
                    element(
                        "tr",
                        element("th", first, scope="row"),
                        *(element("td", cell) for cell in cells),
                    )
                    for first, *cells in rows
                ),
            ),
        ),
        class_="scroll",
        role="region",
        tabindex="0",
        aria_label=head[0],
    )


def details(summary: Element | str, *children: Element, open_: bool = False) -> Element:
    """What is shown when its summary is pressed."""
    return element(
        "details",
        element("summary", summary),
        *children,
        **({"open": "open"} if open_ else {}),
    )


def pairs(descriptions: dict[str, Element | str], class_: str) -> Element:
    """A list of names and what stands for each."""
    return element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", description))
            for name, description in descriptions.items()
        ),
        class_=class_,
    )


def document(title: str, *body: Element, style: str = "") -> str:
    """A whole page.

    Args:
        title: of the browser's window.
        *body: its content.
        style: CSS besides the reports' own, trusted.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_NOTHING_ELSE),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style"),
    )
    head[-1].text = _STYLE + style
    html = element("html", head, element("body", *body), lang="en")
    return f"<!DOCTYPE html>\n{ElementTree.tostring(html, 'unicode', method='html')}\n"
