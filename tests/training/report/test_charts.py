"""Axes, thinned lines and labels, whatever the values."""

import itertools
import math
from xml.etree import ElementTree

import hypothesis
import pytest
from hypothesis import strategies as st

from bert_tf.training.report.charts import (
    Level,
    Series,
    compact,
    line_chart,
    linear_axis,
    log_axis,
    spread,
    thin_out,
)

values = st.floats(-1e9, 1e9, allow_subnormal=False).map(lambda value: round(value, 6))
above_0 = st.floats(1e-9, 1e9)


def series_of(points):
    return Series("train", "train", points, "run0")


@st.composite
def lines(draw, y=values):
    steps = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=40, unique=True))
    return [(step, draw(y)) for step in sorted(steps)]


@hypothesis.given(values, values)
def test_a_linear_axis_has_a_few_round_ticks_around_all_values(one, other):
    low, high = sorted((one, other))
    hypothesis.assume(low == high or high - low > 1e-8 * max(abs(low), abs(high)))
    ticks = linear_axis(low, high).ticks
    step = ticks[1] - ticks[0]
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= low + 1e-6 * step and high - 1e-6 * step <= ticks[-1]
    # No tick too many at either end.
    assert low == high or (ticks[1] > low and ticks[-2] < high)
    factor = step / 10.0 ** math.floor(math.log10(step * 1.0000001))
    assert any(math.isclose(factor, round_one, rel_tol=1e-5) for round_one in (1, 2, 5))


@hypothesis.given(above_0, above_0)
def test_a_logarithmic_axis_has_powers_of_ten_around_all_values(one, other):
    low, high = sorted((one, other))
    axis = log_axis(low, high)
    assert 2 <= len(axis.ticks) <= 6
    assert axis.ticks[0] <= low * (1 + 1e-9) and high <= axis.ticks[-1] * (1 + 1e-9)
    assert all(
        math.log10(tick) == pytest.approx(round(math.log10(tick))) for tick in axis.ticks
    )
    assert axis.place(axis.ticks[0]) == 0 and axis.place(axis.ticks[-1]) == 1
    assert axis.place(low) >= -1e-9 and axis.place(high) <= 1 + 1e-9


@hypothesis.given(lines(), st.integers(4, 12))
def test_a_thinned_line_keeps_its_ends_and_extremes(points, most):
    thin = thin_out(points, most)
    assert len(thin) <= most
    assert (thin[0], thin[-1]) == (points[0], points[-1])
    assert sorted(thin) == list(thin)
    assert set(thin) <= set(points)
    for extreme in (min, max):
        assert extreme(y for _, y in thin) == extreme(y for _, y in points)


@hypothesis.given(st.lists(st.floats(0, 100), max_size=8))
def test_labels_are_apart_and_in_the_order_of_their_lines(wanted):
    places = spread(wanted, 12, 0, 100)
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    for one, other in itertools.pairwise(order):
        assert places[other] - places[one] >= 12 - 1e-9
    assert all(0 <= place <= 100 + 1e-9 for place in places)


def test_labels_stay_where_there_is_room():
    assert spread([50, 10, 90], 12, 0, 100) == [50, 10, 90]
    assert spread([100, 99], 12, 0, 100) == [100, 88]
    assert spread([0, 1], 12, 0, 100) == [0, 12]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.00005, "0.00005"),
        (0.1 + 0.2, "0.3"),
        (250, "250"),
        (12_000, "12k"),
        (1_500_000, "1.5M"),
        (-2000, "-2k"),
        (3e9, "3B"),
    ],
)
def test_ticks_are_short(number, text):
    assert compact(number) == text


@hypothesis.given(lines(), lines(), values, st.none() | st.tuples(values, values))
def test_every_line_is_within_the_picture(train, held_out, baseline, part):
    low, high = sorted(part or (min(y for _, y in train), max(y for _, y in train)))
    chart = line_chart(
        "Loss",
        "falls",
        [series_of(train), Series("held out", "held out", held_out, "run1", True)],
        [Level("baseline", baseline)],
        linear_axis(low, high),
        write=compact,
    )
    for line in chart.iter("polyline"):
        for point in line.get("points").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 360 and 10 <= y <= 156
    for text in chart.iter("text"):
        assert 0 <= float(text.get("y")) <= 196


def test_lines_begin_where_they_reach_the_axis_and_show_later_peaks():
    points = [(1, 9.0), (2, 3.0), (3, 1.0), (4, 7.0), (5, 1.0)]
    chart = line_chart(
        "Loss",
        "",
        [series_of(points)],
        [Level("baseline", 8.0)],
        linear_axis(1, 3),
        write=compact,
    )
    drawn = next(chart.iter("polyline")).get("points").split()
    heights = [float(point.split(",")[1]) for point in drawn]
    assert heights == [10, 156, 10, 156]
    assert "baseline" not in ElementTree.tostring(chart, "unicode")
