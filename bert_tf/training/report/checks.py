"""What is odd about a run, and what to do about it."""

import statistics
from collections.abc import Iterator

from bert_tf.training.report.run import Points, Run

MUCH_WAITING = 0.02
MUCH_PADDING = 0.3
RISE_OF_LOSS = 0.02  # of the lowest; a little up and down is nothing


def warnings(run: Run) -> list[str]:
    """What a person can act on: a line each, with the number and what to do.

    Args:
        run: complete or not.

    Returns:
        Lines of text; none if all is as it should be.
    """
    return [*_about_learning(run), *_about_speed(run)]


def _about_learning(run: Run) -> Iterator[str]:
    held_out, baselines = run.held_out, run.baselines
    model, optimizer = run.config.model, run.config.optimizer
    accuracy = held_out.get("masked_lm_accuracy")
    baseline = baselines.get("masked_lm_accuracy")
    if accuracy is not None and baseline is not None and accuracy <= baseline:
        yield (
            f"{accuracy:.1%} of the held-out masked words are right, no more than the "
            f"{baseline:.1%} of always saying the most frequent one: train longer, or "
            f"raise --config.optimizer.learning_rate={optimizer.learning_rate:g}."
        )
    turn = _turning_point(run)
    if turn:
        step, before, now = turn
        yield (
            f"masked_lm_loss of the held-out examples has risen from {before:.3f} at "
            f"step {step:,} to {now:.3f} while that of training fell: what is learnt now "
            "is learnt by heart; give more text, stop there, or raise "
            f"--config.model.hidden_dropout_prob={model.hidden_dropout_prob:g}."
        )
    accuracy = held_out.get("next_sentence_accuracy")
    baseline = baselines.get("next_sentence_accuracy")
    if accuracy is not None and baseline is not None:
        margin = run.next_sentence_interval
        if accuracy <= baseline + margin:
            yield (
                f"{accuracy:.1%} of the held-out next sentences are told right, where "
                f"the more frequent answer gives {baseline:.1%} and chance up to another "
                f"{margin:.1%}: it takes some thousand steps to begin; train longer, or "
                "make the data with --next_sentence=false."
            )


def _turning_point(run: Run) -> tuple[int, float, float] | None:
    """Where held-out loss was lowest, if it has risen since while training's fell.

    Returns:
        The step, the loss there and the loss now; None if there was no such turn in the
        phase that the run is in.
    """
    train, held_out = (
        [
            (step, loss)
            for step, loss in run.curve("masked_lm_loss", split)
            if step > run.phase.first_step
        ]
        for split in ("train", "held_out")
    )
    if not held_out:
        return None
    step, lowest = min(held_out, key=lambda point: point[1])
    now = held_out[-1][1]
    before = [value for at, value in train if at <= step]
    has_turned = now > (1 + RISE_OF_LOSS) * lowest
    if has_turned and before and train[-1][1] < before[-1]:
        return step, lowest, now
    return None


def _about_speed(run: Run) -> Iterator[str]:
    waiting = _median(run.curve("input_share"))
    if waiting > MUCH_WAITING:
        yield (
            f"Steps waited for their examples {waiting:.1%} of the time, so that the "
            "input is the bottleneck: put the data on a local disk, give the machine "
            "more processor cores, or make the data with --masking=static, which leaves "
            "less to do in training."
        )
    padding = _median(run.curve("padding"))
    is_packed = any(phase.input.packing for phase in run.phases)
    if padding > MUCH_PADDING and not is_packed:
        yield (
            f"{padding:.1%} of what is computed is padding: put several examples into a "
            "row with --config.input.packing=true."
        )


def _median(points: Points) -> float:
    return statistics.median([value for _, value in points] or [0.0])
