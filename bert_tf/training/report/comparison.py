"""What is said of several runs beside each other."""

from collections.abc import Sequence

from bert_tf.html.elements import Element, element, table
from bert_tf.html.sections import section
from bert_tf.training.report import checks, facts
from bert_tf.training.report.run import Run, digest, lettered


def header(runs: Sequence[Run]) -> Element:
    """Which is ahead, and which letter and colour each has."""
    names = (
        element(
            "span",
            element("b", letter),
            " ",
            element("code", run.name),
            class_=f"run{index}",
        )
        for index, (letter, run) in enumerate(lettered(runs))
    )
    return element(
        "header",
        element("p", f"{len(runs)} pretraining runs compared", class_="kicker"),
        element("h1", verdict(runs)),
        element("p", *names, class_="key"),
    )


def verdict(runs: Sequence[Run]) -> str:
    """Which run predicts best, if that can be said."""
    found = [run.held_out.get("masked_lm_accuracy") for run in runs]
    if None in found:
        return "Not all of them are evaluated yet"
    if len(_held_out_digests(runs)) > 1:
        return "They are measured on different examples"
    best = f"{max(found):.1%} of held-out masked words right"
    letters = [
        letter
        for (letter, _), accuracy in zip(lettered(runs), found, strict=True)
        if accuracy == max(found)
    ]
    so_far = "" if all(run.is_complete for run in runs) else " so far"
    if len(letters) > 1:
        return f"{' and '.join(letters)} are equal{so_far}: {best}"
    return f"{letters[0]} is ahead{so_far}: {best}"


def warnings(runs: Sequence[Run]) -> list[str]:
    """Those of each run under its letter, and what keeps them from being compared."""
    lines = [
        f"{letter}: {line}"
        for letter, run in lettered(runs)
        for line in checks.warnings(run)
    ]
    if len(_held_out_digests(runs)) > 1:
        lines.append(
            "The held-out examples differ, so that their figures do not tell which run "
            "is better: give all the same --config.eval_data_dir, and compare runs in "
            "the same phase."
        )
    return lines


def summaries(runs: Sequence[Run]) -> Element:
    """The runs in a few words."""
    found = [facts.summary(run) for run in runs]
    rows = [(name, *(each[name] for each in found)) for name in found[0]]
    return section("The runs", table(("Run", *_letters(runs)), rows))


def differences(runs: Sequence[Run]) -> Element:
    """The settings and the data that not all have alike."""
    found = [facts.settings(run) | facts.digests(run) for run in runs]
    names = dict.fromkeys(name for each in found for name in each)
    rows = [
        (name, *values)
        for name in names
        if len(set(values := [f"{each.get(name, '–')}" for each in found])) > 1
    ]
    if not rows:
        return section("What differs", element("p", "Neither a setting nor the data."))
    return section("What differs", table(("Setting", *_letters(runs)), rows))


def _letters(runs: Sequence[Run]) -> list[str]:
    return [letter for letter, _ in lettered(runs)]


def _held_out_digests(runs: Sequence[Run]) -> set[str]:
    return {digest(run.phase.splits["held_out"]) for run in runs}
