"""The results of the benchmark, as JSON with every run and as tables of medians."""

import dataclasses
import json
import statistics
from collections.abc import Sequence

from benchmarks.tables import markdown_table
from benchmarks.training.contestants import OURS
from benchmarks.training.workload import Measurement, Setting, Workload
from bert_tf.modeling.flops import training_flops


@dataclasses.dataclass
class Run:
    """One run of one system."""

    name: str
    workload: Workload
    turn: int  # from 1; the first one tries all sizes of batches
    load_average: float  # of the last minute before it
    measurement: Measurement | None = None  # None if it failed
    peak_bytes: int = 0  # resident in all processes at once
    failure: str = ""  # its last words

    @property
    def tokens_per_second(self) -> float:
        """How fast it was, padding not counted."""
        return self.measurement.tokens_per_second

    @property
    def flops(self) -> float:
        """Operations a second that the model needs, padding not counted."""
        return (
            training_flops(
                self.workload.model(),
                num_tokens=self.measurement.num_tokens,
                num_rows=self.measurement.num_examples,
                num_predictions=self.measurement.num_predictions,
            )
            / self.measurement.seconds
        )


@dataclasses.dataclass
class Results:
    """What has been measured so far."""

    machine: str
    examples: Sequence[str]  # a line for each length
    num_turns: int
    runs: list[Run] = dataclasses.field(default_factory=list)


def best_batch_size(runs: Sequence[Run], name: str, setting: Setting) -> int | None:
    """The examples in a batch with which a system was fastest in its first turn.

    Returns:
        None if it failed with all.
    """
    fastest = max(
        (run for run in _measured(runs, name, setting) if run.turn == 1),
        key=lambda run: run.tokens_per_second,
        default=None,
    )
    return fastest and fastest.workload.batch_size


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
        *results.examples,
        f"medians of {results.num_turns} turns; padding does not count as tokens",
        "a step is forward, backward and AdamW, gradients clipped to a global norm of 1, "
        "dropout 0.1, both heads",
        "batches are as large as was best for a system in its first turn",
        "bert_tf puts several short examples into a row, unless it says otherwise",
        "transformers has its masked-LM head on all tokens, the others on masked ones",
    ]
    settings = list(dict.fromkeys(run.workload.setting for run in results.runs))
    sections = [
        "# Training",
        "\n".join(f"- {fact}" for fact in facts),
        *_ratios(results, settings),
        *_products(results),
        *(part for setting in settings for part in _figures(results, setting)),
    ]
    return "\n\n".join(sections) + "\n"


# --- Sections, each as its paragraphs ----------------------------------------------


def _ratios(results: Results, settings: Sequence[Setting]) -> list[str]:
    rows = [
        [name, *(_of_ours(results, name, setting) for setting in settings)]
        for name in _names(results)
    ]
    return [
        "## Speed",
        "Tokens a second, as a multiple of ours.",
        markdown_table(["", *map(str, settings)], rows),
    ]


def _products(results: Results) -> list[str]:
    dtypes = dict.fromkeys(run.workload.setting.dtype for run in results.runs)
    rows = [
        [name, dtype, f"{max(peaks) / 1e9:,.0f}"]
        for name in _names(results)
        for dtype in dtypes
        if (peaks := _peaks(results, dtype, name))
    ]
    return [
        "## Products of matrices",
        "The most that a product of 2048 x 2048 has reached in a library. Utilization, "
        "below, is the model's arithmetic as a share of the fastest of that type.",
        markdown_table(["", "type", "GFLOP/s"], rows),
    ]


def _figures(results: Results, setting: Setting) -> list[str]:
    peak = max(_peaks(results, setting.dtype), default=float("inf"))
    rows, failures = [], []
    for name in _names(results):
        runs = _best_runs(results, name, setting)
        if not runs:
            failures.append(f"{name} failed: {_last_failure(results, name, setting)}")
            continue
        steps = [run.measurement.seconds / run.measurement.num_steps for run in runs]
        rows.append(
            [
                name,
                f"{runs[0].workload.batch_size}",
                f"{statistics.median(steps):,.2f}",
                f"{_median_rate(runs):,.0f}",
                _of_ours(results, name, setting),
                f"{statistics.median(run.flops for run in runs) / peak:.0%}",
                f"{statistics.median(run.peak_bytes for run in runs) / 1e6:,.0f}",
            ]
        )
    header = [
        "",
        "batch",
        "s / step",
        "tokens / s",
        "of ours",
        "utilization",
        "memory, MB",
    ]
    return [f"## {setting}", markdown_table(header, rows), *failures]


# --- Figures of runs ---------------------------------------------------------------


def _of_ours(results: Results, name: str, setting: Setting) -> str:
    runs, ours = (_best_runs(results, each, setting) for each in (name, OURS))
    return f"{_median_rate(runs) / _median_rate(ours):.2f}" if runs and ours else "-"


def _median_rate(runs: Sequence[Run]) -> float:
    return statistics.median(run.tokens_per_second for run in runs)


def _best_runs(results: Results, name: str, setting: Setting) -> list[Run]:
    size = best_batch_size(results.runs, name, setting)
    runs = _measured(results.runs, name, setting)
    return [run for run in runs if run.workload.batch_size == size]


def _measured(runs: Sequence[Run], name: str, setting: Setting) -> list[Run]:
    return [
        run
        for run in runs
        if run.name == name and run.workload.setting == setting and run.measurement
    ]


def _last_failure(results: Results, name: str, setting: Setting) -> str:
    return [
        run.failure
        for run in results.runs
        if run.name == name and run.workload.setting == setting
    ][-1]


def _peaks(results: Results, dtype: str, name: str | None = None) -> list[float]:
    return [
        run.measurement.peak_flops
        for run in results.runs
        if run.workload.setting.dtype == dtype
        and name in (None, run.name)
        and run.measurement
        and run.measurement.peak_flops
    ]


def _names(results: Results) -> list[str]:
    return list(dict.fromkeys(run.name for run in results.runs))
