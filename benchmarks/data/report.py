"""The results of the benchmark, as JSON with every run and as tables of medians."""

import dataclasses
import json
import statistics
from collections.abc import Sequence

from benchmarks.data.generators import (
    HUGGING_FACE,
    OURS,
    OURS_REPEATED,
    OURS_TWO_WORKERS,
    Counts,
)
from benchmarks.tables import markdown_table
from benchmarks.usage import Usage


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of one generator."""

    name: str
    text_bytes: int
    usage: Usage
    counts: Counts
    load_average: float  # of the last minute before it


@dataclasses.dataclass
class Results:
    """What has been measured so far."""

    machine: str
    text: str
    num_rounds: int
    startup_runs: list[Run] = dataclasses.field(default_factory=list)
    runs: list[Run] = dataclasses.field(default_factory=list)
    growing_runs: list[Run] = dataclasses.field(default_factory=list)
    # Examples a second of each generator whose examples were read.
    reading_rates: dict[str, list[float]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Cost:
    """Text and what it took."""

    megabytes: float
    cpu_seconds: float
    wall_seconds: float  # 0 where it is not known

    @property
    def megabytes_per_cpu_second(self) -> float:
        """How fast it was."""
        return self.megabytes / self.cpu_seconds

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(
            self.megabytes - other.megabytes,
            self.cpu_seconds - other.cpu_seconds,
            self.wall_seconds - other.wall_seconds,
        )


# google-research/bert at commit eedf5716 on 10.0 MB of English novels, with 128 tokens
# and each text used once: 22 seconds of one core, of which importing takes about 4.
_ORIGINAL = "google-research/bert (published, not run)"
_ORIGINAL_COST = Cost(megabytes=10.0, cpu_seconds=22.0 - 4.0, wall_seconds=0)


def to_json(results: Results) -> str:
    """Every run."""
    return json.dumps(dataclasses.asdict(results), indent=2) + "\n"


def to_markdown(results: Results) -> str:
    """Tables of the medians.

    Args:
        results: of at least one complete round.
    """
    sections = [
        "# Making pretraining data",
        f"- {results.machine}\n- {results.text}\n"
        f"- medians of {results.num_rounds} rounds; an MB is 10^6 bytes",
        *_speed(results),
        *_whole_runs(results),
        *_repetition(results),
        *_agreement(results),
        *_growth(results),
        *_workers(results),
        *_reading(results),
    ]
    return "\n\n".join(sections) + "\n"


def _steady_cost(results: Results, name: str) -> Cost:
    """What a generator takes for text alone: a run less one on hardly any text."""
    return _median_cost(results.runs, name) - _median_cost(results.startup_runs, name)


def _median_cost(runs: Sequence[Run], name: str) -> Cost:
    found = _runs_of(runs, name)
    return Cost(
        megabytes=found[0].text_bytes / 1e6,
        cpu_seconds=statistics.median(run.usage.cpu_seconds for run in found),
        wall_seconds=statistics.median(run.usage.wall_seconds for run in found),
    )


def _runs_of(runs: Sequence[Run], name: str) -> list[Run]:
    return [run for run in runs if run.name == name]


# --- Sections, each as its paragraphs ----------------------------------------------


def _speed(results: Results) -> list[str]:
    costs = {name: _steady_cost(results, name) for name in _names(results)}
    costs[_ORIGINAL] = _ORIGINAL_COST
    rows = [
        [
            name,
            f"{cost.megabytes:.1f}",
            f"{cost.megabytes_per_cpu_second:.2f}",
            f"{cost.megabytes / cost.wall_seconds:.2f}" if cost.wall_seconds else "",
            f"{cost.megabytes_per_cpu_second / costs[OURS].megabytes_per_cpu_second:.2f}",
        ]
        for name, cost in costs.items()
    ]
    return [
        "## Speed",
        "What starting and importing take is subtracted. Each is pinned to one processor "
        "core.",
        markdown_table(["", "text, MB", "MB / CPU s", "MB / s", "of ours"], rows),
    ]


def _whole_runs(results: Results) -> list[str]:
    rows = []
    for name in _names(results):
        runs = _runs_of(results.runs, name)
        start = _median_cost(results.startup_runs, name)
        whole = _median_cost(results.runs, name)
        counts = runs[0].counts  # the same in all
        rows.append(
            [
                name,
                f"{whole.megabytes:.1f}",
                f"{start.cpu_seconds:.1f}",
                f"{start.wall_seconds:.1f}",
                f"{whole.cpu_seconds:.1f}",
                f"{whole.wall_seconds:.1f}",
                f"{statistics.median(run.usage.peak_bytes for run in runs) / 1e6:,.0f}",
                f"{counts.num_examples:,}",
                f"{counts.num_examples / whole.megabytes:,.0f}",
                f"{counts.num_bytes / 1e6:,.1f}",
            ]
        )
    start_megabytes = _median_cost(results.startup_runs, OURS).megabytes
    return [
        "## Whole runs",
        f"Nothing is subtracted. To start: the same command on {start_megabytes:.1f} MB. "
        "Memory is the highest sum of what all processes had resident.",
        markdown_table(
            [
                *("", "text, MB", "to start: CPU s", "s", "in all: CPU s", "s"),
                *("memory, MB", "examples", "examples / MB of text", "written, MB"),
            ],
            rows,
        ),
    ]


def _repetition(results: Results) -> list[str]:
    once = _steady_cost(results, OURS).cpu_seconds
    rows = []
    for factor, name in OURS_REPEATED.items():
        seconds = _steady_cost(results, name).cpu_seconds
        further = (seconds - once) / (factor - 1)
        rows.append([f"{factor}", f"{seconds:.1f}", f"{further / once:.0%}"])
    return [
        "## Text used more than once",
        f"{OURS} needs {once:.1f} CPU s to use it once, start-up apart.",
        markdown_table(["uses", "CPU s", "each further use, of the first"], rows),
    ]


def _agreement(results: Results) -> list[str]:
    """Whether the peer that was written for this does the same work."""
    runs = [_runs_of(results.runs, name)[0] for name in (OURS, HUGGING_FACE)]
    scale = runs[0].text_bytes / runs[1].text_bytes
    ours, theirs = (run.counts for run in runs)
    return [
        "## Same work",
        f"For each MB of text {HUGGING_FACE} makes "
        f"{theirs.num_examples / ours.num_examples * scale:.3f} times the examples and "
        f"{theirs.num_predictions / ours.num_predictions * scale:.3f} times the "
        f"predictions of {OURS}.",
    ]


def _growth(results: Results) -> list[str]:
    rows = [
        [
            run.name,
            f"{run.text_bytes / 1e6:,.0f}",
            f"{run.usage.peak_process_bytes / 1e6:,.0f}",
            f"{run.usage.peak_bytes / 1e6:,.0f}",
            f"{run.usage.wall_seconds:,.1f}",
        ]
        for run in results.growing_runs
    ]
    header = ["", "text, MB", "largest process, MB", "all processes, MB", "s"]
    return [
        "## As the text grows",
        "One run each; memory is what was resident at the highest.",
        markdown_table(header, rows),
    ]


def _workers(results: Results) -> list[str]:
    one, two = (_runs_of(results.growing_runs, name) for name in (OURS, OURS_TWO_WORKERS))
    rates = [
        (longest.text_bytes - shortest.text_bytes)
        / 1e6
        / (longest.usage.wall_seconds - shortest.usage.wall_seconds)
        for shortest, *_, longest in (one, two)
    ]
    return [
        "## Two worker processes",
        f"From the shortest of these texts to the longest, one process makes "
        f"{rates[0]:.1f} MB/s and two make {rates[1]:.1f}: {rates[1] / rates[0]:.2f} "
        "times as much.",
    ]


def _reading(results: Results) -> list[str]:
    rows = [
        [name, f"{statistics.median(rates):,.0f}"]
        for name, rates in results.reading_rates.items()
    ]
    return [
        "## Reading",
        "Shuffled and parsed batches of 256 by tf.data on one core: the process is "
        "pinned, intra-op and inter-op parallelism are 1, the data set has one thread.",
        markdown_table(["", "examples / s"], rows),
    ]


def _names(results: Results) -> list[str]:
    return list(dict.fromkeys(run.name for run in results.runs))
