"""What is left of a run at any step of it."""

import hypothesis
from hypothesis import strategies

from bert_tf.training.phases import segments


def steps_of(segment, steps_per_epoch):
    """The steps that `fit` makes of a segment."""
    first_epoch, stop_epoch, length = segment
    for epoch in range(first_epoch, stop_epoch):
        stop = (epoch + 1) * steps_per_epoch
        yield from range(stop - length, stop)


@hypothesis.given(
    first_epoch=strategies.integers(0, 5),
    num_epochs=strategies.integers(0, 5),
    steps_per_epoch=strategies.integers(1, 7),
    step=strategies.integers(0, 80),
)
def test_every_step_that_is_left_comes_once(
    first_epoch, num_epochs, steps_per_epoch, step
):
    first = first_epoch * steps_per_epoch
    stop = first + num_epochs * steps_per_epoch
    left = list(segments(first, stop, step=step, steps_per_epoch=steps_per_epoch))
    found = [each for segment in left for each in steps_of(segment, steps_per_epoch)]
    assert found == list(range(max(step, first), stop))
    assert len(left) <= 2
