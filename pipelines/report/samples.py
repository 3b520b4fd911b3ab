"""Examples for people to read: segments, word pieces and what is hidden."""

import unicodedata
from collections.abc import Sequence

from bert_tf.config import SPECIAL_TOKENS
from bert_tf.data import manifest
from pipelines.report.elements import Element, details, element

_MASK = "[MASK]"
_CONTINUATION = "##"
_RIGHT_TO_LEFT = ("R", "AL")  # bidirectional classes of letters


def legend() -> Element:
    """How to read the examples."""
    return element(
        "p",
        "Below a token to predict stands what it was: ",
        _hidden(_MASK, "word"),
        " ",
        _hidden("other", "word"),
        " ",
        _hidden("word", "word"),
        ". After ",
        _mark(),
        " a word goes on.",
        class_="quiet legend",
    )


def example(number: int, sample: manifest.Sample, *, open_: bool) -> Element:
    """One example, its two segments below each other.

    Args:
        number: of the example, from 1.
        sample: the example.
        open_: whether its tokens are shown from the start.
    """
    labels = dict(zip(sample.positions, sample.labels, strict=True))
    second = sample.second_start
    segments = [("A", 0, second), ("B", second, len(sample.tokens))]
    next_ = {None: "a single segment", True: "random next", False: "actual next"}
    return details(
        element(
            "span",
            element("b", f"Example {number}: {next_[sample.is_random_next]}"),
            f", {len(sample.tokens):,} tokens, {len(labels):,} to predict",
        ),
        *(
            _segment(
                name,
                sample.tokens[start:stop],
                {position - start: label for position, label in labels.items()},
            )
            for name, start, stop in segments
            if start < stop
        ),
        open_=open_,
    )


def _segment(name: str, tokens: Sequence[str], labels: dict[int, str]) -> Element:
    pieces: list[Element | str] = []
    for position, token in enumerate(tokens):
        if not labels.get(position, token).startswith(_CONTINUATION):
            pieces.append(" ")
        if position in labels:
            pieces.append(_hidden(token, labels[position]))
        elif token in SPECIAL_TOKENS:
            pieces.append(element("b", token))
        elif token.startswith(_CONTINUATION):
            pieces += [_mark(), token.removeprefix(_CONTINUATION)]
        else:
            pieces.append(token)
    return element(
        "p",
        element("strong", name, title=f"Segment {name}"),
        *pieces,
        class_=f"segment {name.lower()}",
        dir=_direction(tokens),
    )


def _mark() -> Element:
    return element("i", _CONTINUATION)


def _hidden(token: str, label: str) -> Element:
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
