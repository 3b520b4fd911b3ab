"""The sections of the report, from top to bottom."""

import pathlib
from collections.abc import Callable, Sequence

from bert_tf.html.elements import Element, details, document, element, pairs, table
from bert_tf.html.sections import counted, section, setting, warnings
from bert_tf.training.report import checks, comparison, curves, facts, predictions
from bert_tf.training.report.run import Run, digest, lettered, num_examples

_STYLE = pathlib.Path(__file__).with_name("training.css").read_text(encoding="utf-8")
_FIGURES = {
    "masked_lm_accuracy": ("Masked words right", "saying the most frequent word"),
    "masked_lm_perplexity": ("Perplexity", "knowing how frequent each word is"),
    "next_sentence_accuracy": (
        "Next sentences told right",
        "giving the more frequent answer",
    ),
}


def render(runs: Sequence[Run]) -> str:
    """The report of a run, or of several beside each other.

    Args:
        runs: at least one, and not more than there are letters for.

    Returns:
        HTML of one file that needs no other and no network.
    """
    top = _top_of_one(runs[0]) if len(runs) == 1 else _top_of_several(runs)
    header, *sections = top
    return document(
        f"Pretraining: {', '.join(run.name for run in runs)}",
        header,
        element(
            "main",
            *sections,
            *_held_out(runs),
            *_charts("What it learns", curves.LEARNING, runs),
            *predictions.section_of(runs),
            *_charts("How it is optimized", curves.OPTIMIZING, runs),
            *_charts("How fast it is", curves.SPEED, runs),
            section("Configuration", *_each(runs, _configuration)),
            section("Data", *_each(runs, _data)),
        ),
        style=_STYLE,
    )


def _top_of_one(run: Run) -> list[Element]:
    kind = "Pretraining run" if run.is_complete else "Pretraining run, not yet complete"
    header = element(
        "header",
        element("p", f"{kind}: ", element("code", run.name), class_="kicker"),
        element("h1", _headline(run)),
        pairs(facts.summary(run), class_="facts"),
    )
    return [header, warnings(checks.warnings(run))]


def _headline(run: Run) -> str:
    accuracy = run.held_out.get("masked_lm_accuracy")
    if accuracy is None:
        return f"Step {facts.steps(run)}" if run.step else "Nothing is measured yet"
    right = f"{accuracy:.1%} of held-out masked words right"
    return right if run.is_complete else f"{right} so far"


def _top_of_several(runs: Sequence[Run]) -> list[Element]:
    return [
        comparison.header(runs),
        warnings(comparison.warnings(runs)),
        comparison.summaries(runs),
        comparison.differences(runs),
    ]


def _held_out(runs: Sequence[Run]) -> list[Element]:
    rows = [
        (
            element("span", label, element("small", f"beside {baseline}")),
            *(_beside_baseline(run, name) for run in runs),
        )
        for name, (label, baseline) in _FIGURES.items()
        if any(name in run.held_out for run in runs)
    ]
    if not rows:
        return []
    columns = (
        ["The model"] if len(runs) == 1 else [letter for letter, _ in lettered(runs)]
    )
    note = "On all held-out examples"
    if not all(run.results for run in runs):
        note += "; of a run that is not complete, its last evaluation, perhaps on fewer"
    return [
        section(
            "Held-out examples",
            element("div", table(("Figure", *columns), rows), class_="narrow"),
            element("p", f"{note}.", class_="quiet"),
        )
    ]


def _beside_baseline(run: Run, name: str) -> Element:
    value, baseline = run.held_out.get(name), run.baselines.get(name)
    is_perplexity = name == "masked_lm_perplexity"

    def write(number: float) -> str:
        return f"{number:,.1f}" if is_perplexity else f"{number:.1%}"

    if value is None:
        return element("span", "–")
    if baseline is None:
        return element("span", write(value))
    if is_perplexity:
        is_better, sign = value < baseline, "below"
    else:
        margin = run.next_sentence_interval if name.startswith("next") else 0
        is_better, sign = value > baseline + margin, "above"
    verdict = f"✓ {sign} " if is_better else f"▲ not {sign} "
    return element(
        "span",
        element("b", write(value)),
        element("small", verdict, element("span", write(baseline))),
        class_="fine" if is_better else "off",
    )


def _charts(
    title: str, shown: Sequence[curves.Curve], runs: Sequence[Run]
) -> list[Element]:
    figures = curves.figures(shown, runs)
    layout = "columns" if len(figures) % 3 else "figures"
    return [section(title, element("div", *figures, class_=layout))] if figures else []


def _each(runs: Sequence[Run], show: Callable[[Run], list[Element]]) -> list[Element]:
    """All of one run; of several, what is shown when a run's name is pressed."""
    if len(runs) == 1:
        return show(runs[0])
    return [
        details(f"{letter}: {run.name}", *show(run)) for letter, run in lettered(runs)
    ]


def _configuration(run: Run) -> list[Element]:
    defaults = facts.default_settings()
    settings = {
        name: setting(value, default=defaults[name])
        for name, value in facts.settings(run).items()
    }
    return [pairs(settings, class_="config")]


def _data(run: Run) -> list[Element]:
    rows = [
        (
            f"{facts.SPLITS[name].capitalize()}{of_phase}",
            f"{num_examples(split):,}",
            f"{len(split['shards']):,}",
            element("code", digest(split)),
        )
        for of_phase, phase in zip(("", ", long"), run.phases, strict=False)
        for name, split in phase.splits.items()
    ]
    vocabulary = (
        "Vocabulary",
        counted(run.data["vocab_size"], "token"),
        "",
        element("code", run.data["vocab_digest"]),
    )
    return [
        table(("Examples", "Number", "Shards", "SHA-256"), [*rows, vocabulary]),
        element(
            "p",
            "That of examples is of the digests of their shards, in order.",
            class_="quiet",
        ),
        details(
            "How the examples were made",
            pairs(
                {name: f"{value}" for name, value in run.data["config"].items()},
                class_="config",
            ),
        ),
    ]
