"""What the server was asked and what became of it, as JSON and as Markdown."""

import dataclasses
import json
from collections.abc import Sequence

from benchmarks.serving_load import memory
from benchmarks.serving_load.good import RIGHT
from benchmarks.serving_load.tally import KindResult
from benchmarks.serving_load.versions import Version
from benchmarks.tables import markdown_table

MAX_GROWTH = 1.05


@dataclasses.dataclass
class Results:
    """What was measured."""

    machine: str
    seconds: float  # of asking
    num_threads: int
    signatures: Sequence[str]
    kinds: Sequence[KindResult]
    wrong_examples: Sequence[str]
    versions: Sequence[Version]
    resident_bytes: Sequence[int]  # a second apart
    was_running: bool  # in the end
    has_traceback: bool  # whether its log tells one
    exit_code: int  # after SIGTERM


@dataclasses.dataclass(frozen=True)
class Check:
    """Something that is to be so."""

    what: str
    problem: str  # "" if it is so

    @property
    def has_failed(self) -> bool:
        """Whether it is not so."""
        return bool(self.problem)


def checks(results: Results) -> list[Check]:
    """What a server has to do, and where this one did not."""
    good = [kind for kind in results.kinds if kind.is_good]
    faults = [kind for kind in results.kinds if not kind.is_good]
    never = [kind.kind for kind in good if RIGHT not in kind.received]
    lost = sum(kind.num_lost for kind in results.kinds)
    refused = [each.number for each in results.versions if each.seconds_to_answer is None]
    return [
        Check(
            "Good requests get the right answer, or a clear error",
            _count(sum(kind.num_wrong for kind in good), "do not")
            or ", ".join(f"no answer to {kind}" for kind in never),
        ),
        Check(
            "Faults get the error that is documented",
            _count(sum(kind.num_wrong for kind in faults), "do not"),
        ),
        Check("No request is left without either", _count(lost, "are")),
        Check(
            "The server runs until it is stopped, without a traceback in its log",
            ("" if results.was_running else "it had ended")
            or ("there is one" if results.has_traceback else ""),
        ),
        Check(
            "Every version answers, that which was damaged when it is mended",
            ", ".join(f"version {number} does not" for number in refused),
        ),
        _memory_check(results.resident_bytes),
        Check(
            "SIGTERM ends it with exit code 0, while it loads a version",
            f"it is {results.exit_code}" if results.exit_code else "",
        ),
    ]


def to_json(results: Results) -> str:
    """All of it, and the checks."""
    content = {
        **dataclasses.asdict(results),
        "checks": [dataclasses.asdict(check) for check in checks(results)],
    }
    return json.dumps(content, indent=2) + "\n"


def to_markdown(results: Results) -> str:
    """The verdict, and tables of what it comes from."""
    num_requests = sum(kind.num_begun for kind in results.kinds)
    facts = [
        results.machine,
        f"{num_requests:,} requests in {results.seconds / 60:.1f} minutes, "
        f"{results.num_threads} at a time",
        f"signatures: {', '.join(results.signatures)}",
        "times are those of the clients, from a call until its end",
    ]
    sections = [
        "# The development server under load",
        "\n".join(f"- {fact}" for fact in facts),
        *_verdict(results),
        *_requests(results.kinds),
        *_errors(results.kinds),
        *_versions(results.versions),
        *_memory(results.resident_bytes),
    ]
    return "\n\n".join(sections) + "\n"


# --- Sections, each as its paragraphs ------------------------------------------------


def _verdict(results: Results) -> list[str]:
    made = checks(results)
    num_failed = sum(check.has_failed for check in made)
    lines = [
        f"- {'FAILED' if check.has_failed else 'passed'}: {check.what}"
        + (f": {check.problem}" if check.has_failed else "")
        for check in made
    ]
    paragraphs = [
        f"## Verdict: {f'{num_failed} checks failed' if num_failed else 'passed'}",
        "\n".join(lines),
    ]
    if results.wrong_examples:
        examples = [f"- {' '.join(each.split())}" for each in results.wrong_examples]
        paragraphs += ["What was wrong, the first of it:", "\n".join(examples)]
    return paragraphs


def _requests(kinds: Sequence[KindResult]) -> list[str]:
    rows = [
        [
            kind.kind,
            f"{kind.num_begun:,}",
            f"{sum(kind.received.values()):,}",
            f"{kind.num_wrong:,}",
            f"{kind.num_lost:,}",
            f"{kind.p50_ms:,.1f}",
            f"{kind.p99_ms:,.1f}",
        ]
        for kind in kinds
    ]
    header = ["", "requests", "as documented", "wrong", "lost", "p50, ms", "p99, ms"]
    return ["## Requests", markdown_table(header, rows)]


def _errors(kinds: Sequence[KindResult]) -> list[str]:
    rows = [
        [kind.kind, name, f"{count:,}"]
        for kind in kinds
        for name, count in sorted(kind.received.items())
        if name != RIGHT
    ]
    return [
        "## Other than right answers",
        "As documented; what is not is wrong, above.",
        markdown_table(["", "received", "requests"], rows),
    ]


def _versions(versions: Sequence[Version]) -> list[str]:
    rows = [
        [
            f"{version.number}",
            "damaged, then mended" if version.was_damaged else "whole",
            "never"
            if version.seconds_to_answer is None
            else f"{version.seconds_to_answer:.1f}",
        ]
        for version in versions
    ]
    return [
        "## Versions",
        "After the first; the one before each was deleted.",
        markdown_table(["version", "files", "answers after, s"], rows),
    ]


def _memory(samples: Sequence[int]) -> list[str]:
    facts = ["## Memory", "Resident, of the server's process."]
    if len(samples) < memory.MIN_SAMPLES:
        needed = f"{len(samples)} samples, of {memory.MIN_SAMPLES} at least"
        return [*facts, f"Not judged: {needed}."]
    rows = [
        [str(part), f"{median / 1e6:,.0f}"]
        for part, median in enumerate(memory.medians(samples), start=1)
    ]
    return [
        *facts,
        markdown_table(["fifth of the time", "median, MB"], rows),
        f"The last over the second: {memory.growth(samples):.3f}. A version that is "
        "loaded beside the one before takes more for a moment: "
        f"{max(samples) / 1e6:,.0f} MB at the most.",
    ]


# --- Checks --------------------------------------------------------------------------


def _memory_check(samples: Sequence[int]) -> Check:
    what = f"Memory stays within {MAX_GROWTH:g} times that of the second fifth"
    if len(samples) < memory.MIN_SAMPLES:
        return Check(f"{what} (too short a run to judge)", "")
    growth = memory.growth(samples)
    return Check(what, f"{growth:.3f} times" if growth > MAX_GROWTH else "")


def _count(number: int, verb: str) -> str:
    return f"{number:,} {verb}" if number else ""
