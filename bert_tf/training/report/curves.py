"""Which charts there are, and their captions and numbers."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from bert_tf.html.elements import Element, details, element, table
from bert_tf.training.report.charts import (
    Axis,
    Level,
    Series,
    compact,
    line_chart,
    linear_axis,
    log_axis,
)
from bert_tf.training.report.run import Run, lettered

_MAX_ROWS = 12
_START = 0.1  # of the steps
_LOG_RATIO = 20.0  # of the highest value to the lowest, from which on powers show more


@dataclasses.dataclass(frozen=True)
class Curve:
    """A figure of metrics.jsonl and how it is shown."""

    name: str
    title: str
    meaning: str
    is_share: bool = False
    from_zero: bool = False
    falls: bool = False  # most of it at the start, which may be left out
    may_be_log: bool = False

    def write(self, value: float) -> str:
        """A value as text."""
        if self.is_share:
            return f"{value:.1%}" if abs(value) >= 0.1 else f"{value:.2%}"
        if abs(value) >= 1000:
            return f"{value:,.0f}"
        return compact(float(f"{value:.4g}"))

    def write_tick(self, value: float) -> str:
        """A round value as text."""
        return f"{100 * value:g}%" if self.is_share else compact(value)


LEARNING = (
    Curve("masked_lm_loss", "Masked words: loss", "Cross entropy in nats", falls=True),
    Curve(
        "masked_lm_accuracy",
        "Masked words: accuracy",
        "Share of the masked words that are right",
        is_share=True,
        from_zero=True,
    ),
    Curve(
        "next_sentence_loss",
        "Next sentences: loss",
        "Cross entropy in nats",
        falls=True,
    ),
    Curve(
        "next_sentence_accuracy",
        "Next sentences: accuracy",
        "Share of the pairs that are told right",
        is_share=True,
    ),
)
OPTIMIZING = (
    Curve("learning_rate", "Learning rate", "As scheduled", from_zero=True),
    Curve(
        "gradient_norm",
        "Gradient norm",
        "Of all variables together, before it is clipped",
        may_be_log=True,
    ),
    Curve("weight_norm", "Weight norm", "Of all variables together"),
)
SPEED = (
    Curve("tokens_per_second", "Tokens a second", "Padding not counted", from_zero=True),
    Curve(
        "input_share",
        "Waiting for input",
        "Share of the time that steps waited for their examples",
        is_share=True,
        from_zero=True,
    ),
    Curve(
        "utilization",
        "Utilization",
        "Of the arithmetic that large products of matrices reach",
        is_share=True,
        from_zero=True,
    ),
    Curve(
        "padding",
        "Padding",
        "Share of the tokens that are computed for nothing",
        is_share=True,
        from_zero=True,
    ),
)


def figures(curves: Sequence[Curve], runs: Sequence[Run]) -> list[Element]:
    """A chart of each figure that was measured, runs over each other.

    Args:
        curves: to show.
        runs: at least one.
    """
    shown = [(curve, series_of(curve, runs)) for curve in curves]
    return [
        figure(curve, series, levels_of(curve, runs)) for curve, series in shown if series
    ]


def series_of(curve: Curve, runs: Sequence[Run]) -> list[Series]:
    """The lines of a chart: training and held out, by run; none where there is nothing.

    Of several runs each has a colour and its letter at one line, the held-out one if
    there is any; training's is then a thin one.
    """
    series = []
    for index, (letter, run) in enumerate(lettered(runs)):
        train, held_out = (
            run.curve(curve.name, split) for split in ("train", "held_out")
        )
        if len(runs) == 1:
            labels = ("train", "held out") if held_out else ("", "")
            names, classes = ("train", "held out"), ("run0", "run1")
        else:
            colour = f"run{index}"
            labels = ("", letter) if held_out else (letter, "")
            names = (f"{letter} train", f"{letter} held out")
            classes = (f"{colour} thin" if held_out else colour, colour)
        series += [
            Series(name, label, points, class_, has_dots=points is held_out)
            for name, label, points, class_ in zip(
                names, labels, (train, held_out), classes, strict=True
            )
            if points
        ]
    return series


def levels_of(curve: Curve, runs: Sequence[Run]) -> list[Level]:
    """What the lines of a chart are to be compared with, the same only once."""
    found = [_level(curve.name, run) for run in runs]
    return [
        Level("clip_norm" if curve.name == "gradient_norm" else "baseline", value)
        for value in sorted({value for value in found if value is not None})
    ]


def _level(name: str, run: Run) -> float | None:
    baselines = run.data["baselines"]
    if name == "gradient_norm":
        clip_norm = run.config.optimizer.clip_norm
        return clip_norm if any(norm > clip_norm for _, norm in run.curve(name)) else None
    if name == "masked_lm_loss" and "masked_lm_perplexity" in baselines:
        return math.log(baselines["masked_lm_perplexity"])
    if name == "next_sentence_loss" and "next_sentence_accuracy" in baselines:
        share = baselines["next_sentence_accuracy"]
        return -sum(each * math.log(each) for each in (share, 1 - share) if each)
    return baselines.get(name)


def axis_of(curve: Curve, series: Sequence[Series], levels: Sequence[Level]) -> Axis:
    """The vertical axis of a chart.

    It has all values but, of a loss, those of the start that would leave less than a
    quarter of it to the rest.
    """
    points = [point for each in series for point in each.points]
    values = [value for _, value in points]
    low, high = min(values), max(values)
    if curve.falls:
        start = _START * max(step for step, _ in points)
        later = max(value for step, value in points if step > start)
        high = max(later, low + (high - low) / 4)
    else:
        low = min(low, *(level.value for level in levels), 0 if curve.from_zero else low)
        high = max(high, *(level.value for level in levels), high)
    if curve.may_be_log and 0 < _LOG_RATIO * low < high:
        return log_axis(low, high)
    return linear_axis(low, high)


def figure(curve: Curve, series: Sequence[Series], levels: Sequence[Level]) -> Element:
    """A chart with its caption and its numbers.

    Args:
        curve: what is shown.
        series: at least one.
        levels: to compare with.
    """
    return element(
        "figure",
        element(
            "figcaption",
            element("h3", curve.title),
            element("p", curve.meaning),
            element("p", *_key(curve, series, levels), class_="key"),
        ),
        line_chart(
            curve.title,
            " ".join(_told(curve, each) for each in series),
            series,
            levels,
            axis_of(curve, series, levels),
            write=curve.write_tick,
        ),
        details("Numbers", _numbers(curve, series)),
        class_="chart",
    )


def _key(
    curve: Curve, series: Sequence[Series], levels: Sequence[Level]
) -> list[Element]:
    """What the lines are and where they end."""
    named = [each for each in series if each.label] or series
    return [
        *(
            element(
                "span",
                f"{each.label or 'last'} ",
                element("b", curve.write(each.points[-1][1])),
                class_=each.class_,
            )
            for each in named
        ),
        *(
            element(
                "span",
                f"{level.label} ",
                element("b", curve.write(level.value)),
                class_="level",
            )
            for level in levels
        ),
    ]


def _told(curve: Curve, series: Series) -> str:
    """A line in words."""
    places = {
        "first": series.points[0],
        "last": series.points[-1],
        "lowest": min(series.points, key=lambda point: point[1]),
        "highest": max(series.points, key=lambda point: point[1]),
    }
    told = (
        f"{which} {curve.write(value)} at step {step:,}"
        for which, (step, value) in places.items()
    )
    return f"{series.name}: {', '.join(told)}."


def _numbers(curve: Curve, series: Sequence[Series]) -> Element:
    """Values at a few steps: those of evaluations, where there are any."""
    evaluated = [each for each in series if each.has_dots] or series
    last = {each.points[-1][0] for each in series}
    steps = sorted({step for each in evaluated for step, _ in each.points} | last)
    columns = [dict(each.points) for each in series]
    rows = [
        (
            f"{step:,}",
            *(curve.write(each[step]) if step in each else "–" for each in columns),
        )
        for step in evenly(steps, _MAX_ROWS)
    ]
    return table(("Step", *(each.name for each in series)), rows)


def evenly(items: Sequence[Any], most: int) -> list[Any]:
    """At most so many of the items, the first and the last among them.

    Args:
        items: in order.
        most: at least 2.
    """
    if len(items) <= most:
        return list(items)
    last = len(items) - 1
    return [items[round(index * last / (most - 1))] for index in range(most)]
