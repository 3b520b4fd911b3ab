"""Word pieces as a model is given them, and what is hidden behind a mask."""

import unicodedata
from collections.abc import Mapping, Sequence

from bert_tf.config import SPECIAL_TOKENS
from bert_tf.html.elements import Element, element

_MASK = "[MASK]"
_CONTINUATION = "##"
_RIGHT_TO_LEFT = ("R", "AL")  # bidirectional classes of letters


def segment(
    tokens: Sequence[str], labels: Mapping[int, str], *before: Element, class_: str
) -> Element:
    """A paragraph of tokens; pieces of a word are written together.

    Args:
        tokens: as the model is given them.
        labels: by index, what a token to predict was.
        *before: the first elements of the paragraph.
        class_: its class.
    """
    pieces: list[Element | str] = []
    for position, token in enumerate(tokens):
        if not labels.get(position, token).startswith(_CONTINUATION):
            pieces.append(" ")
        if position in labels:
            pieces.append(hidden(token, labels[position]))
        elif token in SPECIAL_TOKENS:
            pieces.append(element("b", token))
        elif token.startswith(_CONTINUATION):
            pieces += [continuation(), token.removeprefix(_CONTINUATION)]
        else:
            pieces.append(token)
    return element("p", *before, *pieces, class_=class_, dir=_direction(tokens))


def continuation() -> Element:
    """The sign after which a word goes on."""
    return element("i", _CONTINUATION)


def hidden(token: str, label: str) -> Element:
    """A token to predict; `kept` may be a random one that happens to be the same."""
    if token == _MASK:
        kind, told = "masked", label
    elif token == label:
        kind, told = "kept", "kept"
    else:
        kind, told = "replaced", f"was: {label}"
    return element("ruby", token, element("rt", told), class_=kind)


def _direction(tokens: Sequence[str]) -> str:
    """How most of the letters are written, whatever the first one is."""
    letters = [
        unicodedata.bidirectional(character)
        for token in tokens
        if token not in SPECIAL_TOKENS
        for character in token
    ]
    num_right_to_left = sum(letters.count(each) for each in _RIGHT_TO_LEFT)
    return "rtl" if num_right_to_left > letters.count("L") else "ltr"
