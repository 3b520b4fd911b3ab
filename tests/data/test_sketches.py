"""Sketches: merged ones are those of the whole, and the estimate is fair."""

import numpy as np
import pytest
from hypothesis import given, strategies

from bert_tf.data.randomness import fold_in
from bert_tf.data.sketches import HashSketch


def hashes_of(things):
    return fold_in(np.uint64(1), np.asarray(things, np.uint64))


@given(strategies.lists(strategies.lists(strategies.integers(0, 9)), min_size=1))
def test_the_sum_is_the_sketch_of_all(parts):
    whole = HashSketch.of(hashes_of([thing for part in parts for thing in part]))
    merged = sum(
        (HashSketch.of(hashes_of(part)) for part in parts), start=HashSketch.empty()
    )
    np.testing.assert_array_equal(merged.hashes, whole.hashes)
    np.testing.assert_array_equal(merged.counts, whole.counts)
    total = sum(map(len, parts))
    distinct = len({thing for part in parts for thing in part})
    expected = pytest.approx(1 - distinct / total) if total else None
    assert whole.repeated_share == expected


def test_repetitions_in_other_parts_are_seen():
    rng = np.random.default_rng(0)
    things = np.concatenate([np.arange(50_000), rng.integers(0, 50_000, 50_000)])
    rng.shuffle(things)
    merged = HashSketch.empty()
    for part in np.array_split(things, 30):
        merged += HashSketch.of(hashes_of(part))
    assert len(merged.hashes) == 4096
    # A sample of 4096 of 50,000 things, each seen twice on average: four deviations.
    assert merged.repeated_share == pytest.approx(0.5, abs=4 * 0.25 / 4096**0.5)
