"""The results of the benchmark, as JSON with every run and as tables of medians."""

import dataclasses
import json
import statistics
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.serving.contestants import OURS
from benchmarks.serving.job import Setting
from benchmarks.serving.measuring import Measurement
from benchmarks.tables import markdown_table

# Of probabilities in float32; larger ones are another model's.
TOLERANCE = 1e-3


@dataclasses.dataclass
class Run:
    """One run of one system."""

    name: str
    setting: Setting
    turn: int  # from 1
    load_average: float  # of the last minute before it
    measurement: Measurement | None = None  # None if it failed
    peak_bytes: int = 0  # resident in all processes at once
    disk_bytes: int = 0  # of the model that it loads
    failure: str = ""  # its last words

    @property
    def texts_per_second(self) -> float:
        """How many it answers."""
        return self.setting.batch_size / self.measurement.call_seconds

    @property
    def tokenizing_share(self) -> float:
        """Of a call's time."""
        return self.measurement.tokenizing_seconds / self.measurement.call_seconds


@dataclasses.dataclass
class Results:
    """What has been measured so far."""

    machine: str
    vocabulary: str  # where it is from
    num_turns: int
    runs: list[Run] = dataclasses.field(default_factory=list)


def to_json(results: Results) -> str:
    """Every run."""
    return json.dumps(dataclasses.asdict(results), indent=2) + "\n"


def to_markdown(results: Results) -> str:
    """Tables of the medians.

    Args:
        results: of at least one complete turn.
    """
    facts = [
        results.machine,
        f"medians of {results.num_turns} turns, of each run in a process of its own"
        if results.num_turns > 1
        else "one turn, each run in a process of its own",
        "a call begins with strings and ends with the probabilities of two classes; its "
        "texts have as many tokens, [CLS] and [SEP] included, so that none is padded",
        f"texts: sentences of words that are tokens of {results.vocabulary}",
        "weights are random, and the same for all",
        "tokenizing: a call of that part alone, as a share of a whole call",
        "load: from the call that loads a model to its first answer; imports are done "
        "before",
        "difference: the largest of a probability from bert_tf's in float32; more than "
        f"{TOLERANCE:g} in float32 is a failure",
        "bert_tf is served without Keras, transformers by PyTorch in inference mode, "
        "KerasHub's SavedModel after its preprocessor in a graph, told the texts' length",
    ]
    sections = [
        "# Serving",
        "\n".join(f"- {fact}" for fact in facts),
        *_ratios(results, "Texts a second", lambda run: run.texts_per_second),
        *_ratios(results, "Median latency", lambda run: run.measurement.p50_seconds),
        *(part for of_one in _by_table(results) for part in _figures(results, of_one)),
    ]
    return "\n\n".join(sections) + "\n"


def difference(results: Results, run: Run) -> float | None:
    """The largest difference of a probability of a run's from ours in float32.

    Returns:
        None if ours was not run in float32; NaN if there are probabilities that are none.
    """
    setting = dataclasses.replace(run.setting, dtype="float32")
    # Whatever the batch, the texts are the same.
    ours = [
        each
        for each in results.runs
        if each.name == OURS
        and each.measurement
        and dataclasses.replace(each.setting, batch_size=setting.batch_size) == setting
    ]
    if not ours:
        return None
    expected, received = (
        np.array(each.measurement.probabilities) for each in (ours[0], run)
    )
    return float(np.abs(received - expected).max())


# --- Sections, each as its paragraphs ----------------------------------------------


def _ratios(results: Results, title: str, figure: Callable[[Run], float]) -> list[str]:
    names = _names(results.runs)
    rows = [
        [str(setting), *(_of_ours(results, name, setting, figure) for name in names)]
        for setting in dict.fromkeys(run.setting for run in results.runs)
    ]
    return [f"## {title}", "As a multiple of ours.", markdown_table(["", *names], rows)]


def _figures(results: Results, runs: Sequence[Run]) -> list[str]:
    """Of runs whose settings differ in the size of batches alone."""
    rows = []
    failures = [f"{run.name} failed: {run.failure}" for run in runs if run.failure]
    for setting in dict.fromkeys(run.setting for run in runs):
        for name in _names(runs):
            measured = _measured(runs, name, setting)
            if not measured:
                continue
            largest = _largest_difference(results, measured)
            rows.append([name, *_cells(measured), _format_difference(largest)])
            if setting.dtype == "float32" and not _is_small(largest):
                failures.append(
                    f"{name} failed: expected {OURS}'s answers within {TOLERANCE:g}, "
                    f"received others by {largest:.2g}"
                )
    header = [
        *("", "texts", "p50, ms", "p99, ms", "texts / s", "tokenizing", "load, s"),
        *("memory, MB", "disk, MB", "difference"),
    ]
    table = markdown_table(header, rows)
    return [f"## {runs[0].setting.without_batch}", table, *dict.fromkeys(failures)]


def _cells(runs: Sequence[Run]) -> list[str]:
    """Medians of runs of one system at one setting."""

    def median(figure: Callable[[Run], float]) -> float:
        return statistics.median(map(figure, runs))

    return [
        f"{runs[0].setting.batch_size}",
        f"{1000 * median(lambda run: run.measurement.p50_seconds):,.2f}",
        f"{1000 * median(lambda run: run.measurement.p99_seconds):,.2f}",
        f"{median(lambda run: run.texts_per_second):,.1f}",
        f"{median(lambda run: run.tokenizing_share):.1%}",
        f"{median(lambda run: run.measurement.load_seconds):,.1f}",
        f"{median(lambda run: run.peak_bytes) / 1e6:,.0f}",
        f"{median(lambda run: run.disk_bytes) / 1e6:,.0f}",
    ]


# --- Figures of runs ---------------------------------------------------------------


def _of_ours(
    results: Results, name: str, setting: Setting, figure: Callable[[Run], float]
) -> str:
    theirs, ours = (
        [figure(run) for run in _measured(results.runs, each, setting)]
        for each in (name, OURS)
    )
    if not theirs or not ours:
        return "-"
    return f"{statistics.median(theirs) / statistics.median(ours):.2f}"


def _largest_difference(results: Results, runs: Sequence[Run]) -> float | None:
    found = [difference(results, run) for run in runs]
    return None if None in found else float(np.max(found))


def _is_small(value: float | None) -> bool:
    return value is None or value <= TOLERANCE  # as NaN is not


def _format_difference(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"


def _by_table(results: Results) -> list[list[Run]]:
    tables: dict[str, list[Run]] = {}
    for run in results.runs:
        tables.setdefault(run.setting.without_batch, []).append(run)
    return list(tables.values())


def _measured(runs: Sequence[Run], name: str, setting: Setting) -> list[Run]:
    return [
        run
        for run in runs
        if run.name == name and run.setting == setting and run.measurement
    ]


def _names(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(run.name for run in runs))
