"""The results of the benchmark, as JSON and as a table."""

import dataclasses
import json
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.tables import markdown_table
from benchmarks.tasks.catalogue import CONTESTS, Contest
from benchmarks.tasks.contestants import CONTESTANTS
from benchmarks.tasks.job import Figures


@dataclasses.dataclass(frozen=True)
class Result:
    """What a system reaches at a task with one seed."""

    task: str  # of CONTESTS
    system: str  # of CONTESTANTS
    seed: int
    load_average: float  # of the last minute before it
    figures: list[Figures] = dataclasses.field(default_factory=list)  # of each epoch
    seconds: float | None = None  # of the whole program
    failure: str = ""  # its last words, if it failed


@dataclasses.dataclass
class Results:
    """What has been measured so far."""

    machine: str
    settings: dict[str, Any]
    results: list[Result] = dataclasses.field(default_factory=list)

    def to_json(self) -> str:
        """All of it, with the settings of the tasks."""
        contests = {
            each.task: dataclasses.asdict(CONTESTS[each.task]) for each in self.results
        }
        return json.dumps(dataclasses.asdict(self) | {"tasks": contests}, indent=2) + "\n"

    def to_markdown(self) -> str:
        """A row for each task."""
        facts = [
            self.machine,
            *(f"{name}: {value}" for name, value in self.settings.items()),
            "held-out figures of the best epoch, which is the one that is kept, and of "
            "the last; mean ± standard deviation over the seeds [lowest, highest]; our "
            "metrics judge all systems",
            "all have the same examples, encoder, rates, batches of 32, epochs, longest "
            "sequences and two processor cores; AdamW, warm-up over a tenth of the steps "
            "and linear decay from there on",
            "sentences to tag of more than 254 pieces, which are few, are read through "
            "windows by bert_tf and cut off by transformers",
            "a floor is met if the best epoch of each seed of bert_tf reaches it",
            "minutes are of the whole program: start-up, tokenization, training, and "
            "answers to the held-out examples after each epoch; bert_tf also writes "
            "checkpoints, and computes a batch in parts of like length",
        ]
        failures = [
            f"{CONTESTANTS[each.system].name} failed at {CONTESTS[each.task].name} with "
            f"seed {each.seed}: {each.failure}"
            for each in self.results
            if each.failure
        ]
        sections = [
            "# Fine-tuning",
            "\n".join(f"- {fact}" for fact in facts),
            self._table(),
            *failures,
        ]
        return "\n\n".join(sections) + "\n"

    def _table(self) -> str:
        tasks = list(dict.fromkeys(each.task for each in self.results))
        systems = list(dict.fromkeys(each.system for each in self.results))
        names = [CONTESTANTS[system].name for system in systems]
        header = [
            *("", "metric", "floor", *names),
            *(f"{name}, last epoch" for name in names),
            *(f"minutes, {name}" for name in names),
            "load before",
        ]
        rows = []
        for task in tasks:
            contest = CONTESTS[task]
            found = {system: self._successes(task, system) for system in systems}
            loads = [each.load_average for of_one in found.values() for each in of_one]
            rows.append(
                [
                    contest.name,
                    contest.metric,
                    _floor(contest, found.get("ours", [])),
                    *(_spread(_best(contest, each)) for each in found.values()),
                    *(_spread(_last(contest, each)) for each in found.values()),
                    *(_minutes(each) for each in found.values()),
                    f"{min(loads):.1f} to {max(loads):.1f}" if loads else "",
                ]
            )
        return markdown_table(header, rows)

    def _successes(self, task: str, system: str) -> list[Result]:
        return [
            each
            for each in self.results
            if (each.task, each.system) == (task, system) and each.figures
        ]


def _best(contest: Contest, results: Sequence[Result]) -> list[float]:
    """The figure of each seed after its best epoch."""
    return [max(of_one[contest.metric] for of_one in each.figures) for each in results]


def _last(contest: Contest, results: Sequence[Result]) -> list[float]:
    """The figure of each seed after the last epoch."""
    return [each.figures[-1][contest.metric] for each in results]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return (
        f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f} "
        f"[{min(values):.3f}, {max(values):.3f}]"
    )


def _floor(contest: Contest, ours: Sequence[Result]) -> str:
    if contest.floor is None:
        return ""
    if not ours:
        return f"{contest.floor:.2f}"
    is_met = min(_best(contest, ours)) >= contest.floor
    return f"{contest.floor:.2f} {'met' if is_met else 'missed'}"


def _minutes(results: Sequence[Result]) -> str:
    if not results:
        return ""
    return f"{statistics.mean(each.seconds for each in results) / 60:.1f}"
