"""Histograms as SVG, drawn for the width of a phone."""

import dataclasses
import itertools
import math
from collections.abc import Sequence

from bert_tf.html.elements import Element, details, element, table
from bert_tf.html.sections import counted

_MAX_LINEAR_BINS = 32
_MAX_LABELS = 6
_WIDTH, _HEIGHT = 360, 196
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 344, 24, 152  # of the bars


@dataclasses.dataclass(frozen=True)
class Bin:
    """How many have from `first` to `last` of something."""

    first: int
    last: int
    count: int

    @property
    def label(self) -> str:
        """`7`, `8–15`."""
        numbers = (self.first,) if self.first == self.last else (self.first, self.last)
        return "–".join(f"{number:,}" for number in numbers)


def linear_bins(histogram: Sequence[int], *, limit: int) -> list[Bin]:
    """Bins of equal width from 0 on.

    Args:
        histogram: at index n, how many have n.
        limit: the highest number there can be; a bin of its own where the width
            divides it, so that full examples are told from nearly full ones.
    """
    width = math.ceil(limit / _MAX_LINEAR_BINS)
    return [
        Bin(first, min(first + width - 1, limit), sum(histogram[first : first + width]))
        for first in range(0, limit + 1, width)
    ]


def power_bins(histogram: Sequence[int]) -> list[Bin]:
    """Bins twice as wide as the one before, without empty ones at either end.

    Args:
        histogram: at index i, how many have from 2**i to 2**(i + 1) - 1.
    """
    used = [index for index, count in enumerate(histogram) if count]
    return [
        Bin(2**index, 2 ** (index + 1) - 1, histogram[index])
        for index in range(used[0], used[-1] + 1)
    ]


def median_bin(bins: Sequence[Bin]) -> Bin:
    """The bin that holds the one in the middle, of an even number the lower one."""
    half = sum(each.count for each in bins) / 2
    totals = itertools.accumulate(each.count for each in bins)
    return next(each for each, total in zip(bins, totals, strict=True) if total >= half)


def figure(noun: str, bins: Sequence[Bin]) -> Element:
    """A histogram of lengths with its title, and its numbers as a table below.

    Args:
        noun: what is counted, such as `example`.
        bins: with at least one example in them.
    """
    title = f"Lengths of {noun}s"
    total = sum(each.count for each in bins)
    rows = [
        (each.label, f"{each.count:,}", f"{each.count / total:.2%}")
        for each in bins
        if each.count
    ]
    return element(
        "figure",
        element(
            "figcaption",
            element("h3", title),
            element("p", f"Median {median_bin(bins).label}, of {counted(total, noun)}"),
        ),
        _bar_chart(title, noun, bins),
        details("Numbers", table(("Tokens", f"{noun.capitalize()}s", "Share"), rows)),
    )


def _bar_chart(title: str, noun: str, bins: Sequence[Bin]) -> Element:
    total = sum(each.count for each in bins)
    shares = [each.count / total for each in bins]
    peak = max(range(len(bins)), key=lambda index: shares[index])
    percent_step = next(
        step for step in (1, 2, 5, 10, 25) if 4 * step >= 100 * shares[peak]
    )
    ticks = range(0, math.ceil(100 * shares[peak] / percent_step) + 1)
    slot = (_RIGHT - _LEFT) / len(bins)
    scale = (_BOTTOM - _TOP) / (ticks[-1] * percent_step / 100)  # pixels of all
    # A power of two, so that labels of powers of two are round numbers.
    label_step = 2 ** math.ceil(math.log2(max(1, len(bins) / _MAX_LABELS)))

    def left(index: int) -> float:
        return round(_LEFT + index * slot, 2)

    def bar(index: int) -> Element:
        height = round(scale * shares[index], 2)
        return element(
            "rect",
            element(
                "title",
                f"{bins[index].label} tokens: {counted(bins[index].count, noun)} "
                f"({shares[index]:.2%})",
            ),
            x=left(index),
            y=round(_BOTTOM - height, 2),
            width=round(slot - 1, 2),
            height=height,
        )

    grid = []
    for tick in ticks:
        y = round(_BOTTOM - scale * tick * percent_step / 100, 2)
        grid += [
            element("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y),
            _label(f"{tick * percent_step}%", _LEFT - 5, y + 4, "end"),
        ]
    return element(
        "svg",
        element("title", title),
        element(
            "desc",
            f"Most frequent: {bins[peak].label} tokens, {shares[peak]:.1%} of {noun}s.",
        ),
        *grid,
        *(bar(index) for index in range(len(bins)) if bins[index].count),
        *(
            _label(f"{bins[index].first:,}", left(index), _BOTTOM + 16, "middle")
            for index in range(0, len(bins), label_step)
        ),
        _label("tokens", (_LEFT + _RIGHT) / 2, _HEIGHT - 8, "middle"),
        _label(f"share of {noun}s", 0, 10, "start"),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
    )


def _label(text: str, x: float, y: float, anchor: str) -> Element:
    return element("text", text, x=x, y=y, text_anchor=anchor)
