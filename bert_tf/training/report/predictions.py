"""What the model filled into the same masks as it learnt."""

from collections.abc import Sequence
from typing import Any

from bert_tf.html.elements import Element, element, table
from bert_tf.html.sections import section
from bert_tf.html.tokens import segment
from bert_tf.training.report.charts import Series
from bert_tf.training.report.curves import Curve, evenly, figure
from bert_tf.training.report.run import Points, Run, lettered

_MAX_ROWS = 8
_CONTEXT = 24  # tokens on either side of a mask
_PROBABILITY = Curve(
    "label_probability",
    "What was there: probability",
    "That the model gives to the word behind each mask",
    is_share=True,
    from_zero=True,
)

# Of a sentence: its tokens, the place of the mask and what was there.
_Mask = tuple[tuple[str, ...], int, str]
_Answers = list[tuple[str, float]]


def section_of(runs: Sequence[Run]) -> list[Element]:
    """Each sentence with the most probable words, by step or, of several runs, by run.

    Of one run there is a chart too, of how probable what was there has become.

    Args:
        runs: at least one.

    Returns:
        A section; none where nothing was predicted.
    """
    answers: dict[_Mask, list[tuple[Element | str, _Answers]]] = {}
    for letter, run in lettered(runs):
        is_one = len(runs) == 1
        for line in (
            evenly(run.predictions, _MAX_ROWS) if is_one else run.predictions[-1:]
        ):
            step = f"{line['step']:,}"
            name = (
                step
                if is_one
                else element("span", letter, element("small", f"step {step}"))
            )
            for each in line["sentences"]:
                answers.setdefault(_mask(each), []).append((name, each["top"]))
    if not answers:
        return []
    head = "Step" if len(runs) == 1 else "Run"
    return [
        section(
            "What it fills in",
            element(
                "p",
                "Held-out sentences; below a mask stands what was there. ",
                "✓ marks it among the answers.",
                class_="quiet",
            ),
            *(_probabilities(runs[0]) if len(runs) == 1 else ()),
            element(
                "div",
                *(_sentence(head, mask, rows) for mask, rows in answers.items()),
                class_="columns",
            ),
        )
    ]


def _probabilities(run: Run) -> list[Element]:
    points: dict[_Mask, Points] = {}
    for line in run.predictions:
        for each in line["sentences"]:
            if "label_probability" in each:  # which earlier versions did not write
                point = (line["step"], each["label_probability"])
                points.setdefault(_mask(each), []).append(point)
    series = [
        Series(mask[-1], mask[-1], found, f"run{index}", has_dots=True)
        for index, (mask, found) in enumerate(points.items())
    ]
    if not series:
        return []
    return [element("div", figure(_PROBABILITY, series, ()), class_="columns")]


def _mask(sentence: dict[str, Any]) -> _Mask:
    return tuple(sentence["tokens"]), sentence["position"], sentence["label"]


def _sentence(
    head: str, mask: _Mask, rows: list[tuple[Element | str, _Answers]]
) -> Element:
    tokens, position, label = mask
    start = max(0, position - _CONTEXT)
    stop = position + _CONTEXT + 1
    shown = ["…"] * (start > 0) + list(tokens[start:stop]) + ["…"] * (stop < len(tokens))
    place = position - start + (start > 0)
    return element(
        "article",
        segment(shown, {place: label}, class_="segment"),
        table(
            (head, "Most probable"),
            [(name, _answers(answers, label)) for name, answers in rows],
        ),
        class_="answers",
    )


def _answers(answers: _Answers, label: str) -> Element:
    return element(
        "span",
        *(
            element(
                "span",
                element("bdi", f"{'✓ ' * (token == label)}{token}"),
                element("small", f"{probability:.0%}" if probability >= 0.005 else "<1%"),
                class_="answer right" if token == label else "answer",
                style=f"--share: {probability:.1%}",
            )
            for token, probability in answers
        ),
    )
