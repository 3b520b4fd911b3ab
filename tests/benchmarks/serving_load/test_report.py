"""The verdict, on results that are right but for one thing."""

import dataclasses
import json

import pytest

from benchmarks.serving_load import report
from benchmarks.serving_load.good import RIGHT, UNAVAILABLE
from benchmarks.serving_load.tally import KindResult
from benchmarks.serving_load.versions import Version

GOOD = KindResult("REST, one input", True, 3, 0, {RIGHT: 2, UNAVAILABLE: 1}, 1.5, 2500)
FAULT = KindResult("REST, bad JSON", False, 1, 0, {"400": 1}, 1, 1)
RESULTS = report.Results(
    machine="a machine",
    seconds=300.0,
    num_threads=2,
    signatures=["serving_default"],
    kinds=[GOOD, FAULT],
    wrong_examples=[],
    versions=[Version(2, was_damaged=True, seconds_to_answer=1.25)],
    resident_bytes=[1_000_000_000] * 240 + [1_049_000_000] * 60,
    was_running=True,
    has_traceback=False,
    exit_code=0,
)


def test_all_is_as_it_should_be():
    markdown = report.to_markdown(RESULTS)

    assert not any(check.has_failed for check in report.checks(RESULTS))
    assert "## Verdict: passed" in markdown
    assert "- 4 requests in 5.0 minutes, 2 at a time" in markdown
    assert "REST, one input | 3 | 3 | 0 | 0 | 1.5 | 2,500.0" in squeeze(markdown)
    assert "REST, one input | Unavailable | 1" in squeeze(markdown)
    assert "2 | damaged, then mended | 1.2" in squeeze(markdown)
    assert "5 | 1,049" in squeeze(markdown)
    assert "The last over the second: 1.049." in markdown


def squeeze(markdown):
    return " ".join(markdown.split())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kinds": [dataclasses.replace(GOOD, num_begun=4, num_wrong=1)]}, "1 do not"),
        (
            {"kinds": [dataclasses.replace(GOOD, received={UNAVAILABLE: 3})]},
            "no answer to REST, one input",
        ),
        ({"kinds": [dataclasses.replace(FAULT, num_begun=2, num_wrong=1)]}, "1 do not"),
        ({"kinds": [dataclasses.replace(FAULT, num_begun=2)]}, "1 are"),
        ({"was_running": False}, "it had ended"),
        ({"has_traceback": True}, "there is one"),
        ({"versions": [Version(7, was_damaged=False)]}, "version 7 does not"),
        ({"resident_bytes": [100] * 240 + [106] * 60}, "1.060 times"),
        ({"exit_code": -11}, "it is -11"),
    ],
)
def test_one_thing_is_not(changes, problem):
    results = dataclasses.replace(RESULTS, **changes)

    failed = [check for check in report.checks(results) if check.has_failed]

    assert [check.problem for check in failed] == [problem]
    assert f"FAILED: {failed[0].what}: {problem}" in report.to_markdown(results)
    assert "## Verdict: 1 checks failed" in report.to_markdown(results)


def test_memory_is_told_as_it_is_judged():
    changed = [1_000_000] * 240 + [1_020_000] * 59 + [9_000_000]

    text = report.to_markdown(dataclasses.replace(RESULTS, resident_bytes=changed))

    assert "The last over the second: 1.020." in text
    assert "9 MB at the most" in text


def test_memory_of_a_short_run_is_not_judged():
    results = dataclasses.replace(RESULTS, resident_bytes=[100] * 50 + [200] * 50)

    assert not any(check.has_failed for check in report.checks(results))
    assert "Not judged: 100 samples, of 180 at least." in report.to_markdown(results)


def test_json_has_the_checks():
    content = json.loads(report.to_json(RESULTS))

    assert content["kinds"][0]["received"] == {RIGHT: 2, UNAVAILABLE: 1}
    assert [check["problem"] for check in content["checks"]] == [""] * 7
