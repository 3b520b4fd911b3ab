"""Line charts as SVG, drawn for the width of a phone."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence

from bert_tf.html.elements import Element, element

MAX_POINTS = 320  # of a line; about as many as it has pixels
_MAX_DOTS = 40
_MAX_TICKS = 5
_WIDTH, _HEIGHT = 360, 196
_TOP, _BOTTOM = 10, 156  # of the plot
_CHARACTER = 6.2  # pixels, of the widest
_LINE_HEIGHT = 12

Points = Sequence[tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Series:
    """A line of a chart."""

    name: str
    label: str  # at its end; none if empty
    points: Points  # by x, at least one
    class_: str  # of CSS
    has_dots: bool = False  # each of its points is marked


@dataclasses.dataclass(frozen=True)
class Level:
    """A value to compare lines with."""

    label: str
    value: float


@dataclasses.dataclass(frozen=True)
class Axis:
    """From values to shares of an axis' length."""

    ticks: tuple[float, ...]  # the first and last one are its ends
    is_log: bool = False

    def place(self, value: float) -> float:
        """0 at the first tick, 1 at the last."""
        scale = math.log if self.is_log else float
        low, high = scale(self.ticks[0]), scale(self.ticks[-1])
        return (scale(value) - low) / (high - low)


def linear_axis(low: float, high: float) -> Axis:
    """An axis of equal steps of 1, 2 or 5 times a power of ten, around all values."""
    largest = max(abs(low), abs(high))
    if high - low <= 1e-9 * largest:  # as good as one value
        margin = largest / 10 or 1.0
        low, high = low - margin, high + margin
    step = nice_step((high - low) / _MAX_TICKS)
    return Axis(
        tuple(
            number * step
            for number in range(math.floor(low / step), math.ceil(high / step) + 1)
        )
    )


def log_axis(low: float, high: float) -> Axis:
    """An axis of powers of ten around all values, which are above 0."""
    first = math.floor(math.log10(low))
    last = max(first + 1, math.ceil(math.log10(high)))
    step = math.ceil((last - first) / _MAX_TICKS)
    exponents = range(first, last + step, step)
    return Axis(tuple(10.0**exponent for exponent in exponents), is_log=True)


def nice_step(least: float) -> float:
    """The least of 1, 2 and 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)


def thin_out(points: Points, most: int = MAX_POINTS) -> Points:
    """At most so many of the points, the highest and lowest of each stretch among them.

    Args:
        points: by x.
        most: at least 4.
    """
    if len(points) <= most:
        return points
    num_stretches = (most - 2) // 2
    inner = points[1:-1]
    kept = [points[0]]
    for index in range(num_stretches):
        start = index * len(inner) // num_stretches
        stop = (index + 1) * len(inner) // num_stretches
        stretch = inner[start:stop]
        ends = {function(stretch, key=lambda each: each[1]) for function in (min, max)}
        kept += sorted(ends)
    return [*kept, points[-1]]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near those wanted, none nearer to another than `gap`.

    Args:
        wanted: in any order.
        gap: between two.
        low: none is below.
        high: none is above, unless they do not all fit.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    places = [0.0] * len(wanted)
    for rank, index in enumerate(order):  # no lower than there is room below
        least = places[order[rank - 1]] + gap if rank else low
        places[index] = max(wanted[index], least)
    for rank in range(len(order) - 1, -1, -1):  # and no higher than above
        above = places[order[rank + 1]] - gap if rank + 1 < len(order) else high
        places[order[rank]] = max(min(places[order[rank]], above), low + rank * gap)
    return places


def line_chart(
    title: str,
    description: str,
    series: Sequence[Series],
    levels: Sequence[Level],
    vertical: Axis,
    *,
    write: Callable[[float], str],
) -> Element:
    """Draws lines over the number of the step.

    Args:
        title: of the chart.
        description: for those who hear it.
        series: at least one.
        levels: drawn across, but for those off the axis.
        vertical: axis of the values. Lines begin where they reach it, and what is off it
            later is drawn at its edge.
        write: a tick of it as text.

    Returns:
        An `svg` element.
    """
    low, high = vertical.ticks[0], vertical.ticks[-1]
    levels = [level for level in levels if low <= level.value <= high]
    horizontal = Axis((0, max(each.points[-1][0] for each in series)))
    labels = [(each.label, each.points[-1][1], each.class_) for each in series]
    labels += [(level.label, level.value, "level") for level in levels]
    labels = [label for label in labels if label[0]]
    ticks = [write(tick) for tick in vertical.ticks]
    left = 10 + _width(ticks)
    right = _WIDTH - 10 - _width([label for label, _, _ in labels] or ["1"])

    def x(step: float) -> float:
        return round(left + horizontal.place(step) * (right - left), 1)

    def y(value: float) -> float:
        place = vertical.place(min(max(value, low), high))
        return round(_BOTTOM - place * (_BOTTOM - _TOP), 1)

    def across(value: float, class_: str) -> Element:
        return element("line", x1=left, x2=right, y1=y(value), y2=y(value), class_=class_)

    places = spread([y(value) for _, value, _ in labels], _LINE_HEIGHT, _TOP, _BOTTOM)
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        *(across(tick, "grid") for tick in vertical.ticks),
        *(
            _text(text, left - 6, y(tick) + 4, "end")
            for tick, text in zip(vertical.ticks, ticks, strict=True)
        ),
        *(
            _text(compact(tick), x(tick), _BOTTOM + 16, "middle")
            for tick in linear_axis(*horizontal.ticks).ticks
            if tick <= horizontal.ticks[1]
        ),
        _text("step", (left + right) / 2, _HEIGHT - 6, "middle"),
        *(across(level.value, "level") for level in levels),
        *(_line(each, high, x, y, write) for each in series),
        *(
            _text(label, right + 5, round(place + 4, 1), "start", class_)
            for (label, _, class_), place in zip(labels, places, strict=True)
        ),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
    )


def _width(texts: Sequence[str]) -> int:
    return math.ceil(_CHARACTER * max(map(len, texts)))


def _line(
    series: Series,
    high: float,
    x: Callable[[float], float],
    y: Callable[[float], float],
    write: Callable[[float], str],
) -> Element:
    entered = itertools.dropwhile(lambda point: point[1] > high, series.points[:-1])
    points = thin_out([*entered, series.points[-1]])
    dots = points if series.has_dots and len(points) <= _MAX_DOTS else points[-1:]
    path = " ".join(f"{x(step):g},{y(value):g}" for step, value in points)
    return element(
        "g",
        element("polyline", points=path),
        *(
            element(
                "circle",
                element("title", f"step {step:,}: {write(value)}"),
                cx=x(step),
                cy=y(value),
                r=2.5,
            )
            for step, value in dots
        ),
        class_=series.class_,
    )


def compact(number: float) -> str:
    """`0.00005`, `250`, `12k`, `1.5M`."""
    for exponent, unit in ((4, "T"), (3, "B"), (2, "M"), (1, "k")):
        if abs(number) >= 1000**exponent:
            return f"{number / 1000**exponent:g}{unit}"
    return f"{number:.9f}".rstrip("0").rstrip(".")


def _text(text: str, x: float, y: float, anchor: str, class_: str = "") -> Element:
    attributes = {"class_": class_} if class_ else {}
    return element("text", text, x=x, y=y, text_anchor=anchor, **attributes)
