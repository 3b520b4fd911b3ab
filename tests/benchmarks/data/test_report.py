"""The tables, of runs with round numbers."""

import json

import pytest

from benchmarks import usage
from benchmarks.data import generators, report


def make_run(name, *, megabytes, seconds):
    return report.Run(
        name=name,
        text_bytes=int(megabytes * 1e6),
        usage=usage.Usage(
            wall_seconds=seconds,
            cpu_seconds=seconds,
            peak_bytes=900_000_000,
            peak_process_bytes=700_000_000,
        ),
        counts=generators.Counts(
            num_examples=1000, num_predictions=2000, num_bytes=3_000_000
        ),
        load_average=0.5,
    )


@pytest.fixture
def results():
    """Three rounds; a start takes 4 s, and the text as long as it says here."""
    seconds = {
        generators.OURS: 10,
        generators.OURS_REPEATED[2]: 15,
        generators.OURS_REPEATED[5]: 30,
        generators.MODEL_GARDEN: 80,
        generators.HUGGING_FACE: 20,
    }
    made = report.Results(machine="A machine", text="A text", num_rounds=3)
    for name, steady_seconds in seconds.items():
        for noise in (0, 9, -1):
            made.startup_runs.append(make_run(name, megabytes=1, seconds=4))
            made.runs.append(
                make_run(name, megabytes=21, seconds=4 + steady_seconds + noise)
            )
    for megabytes in (60, 600, 2060):
        for name, rate in ((generators.OURS, 20), (generators.OURS_TWO_WORKERS, 40)):
            made.growing_runs.append(
                make_run(name, megabytes=megabytes, seconds=10 + megabytes / rate)
            )
    made.reading_rates[generators.OURS] = [1000.0, 50_000.0, 20_000.0]
    return made


def rows_of(markdown, title):
    """The cells of each row of the table below a title."""
    section = markdown.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_speed_is_of_the_median_without_the_start(results):
    rows = rows_of(report.to_markdown(results), "Speed")

    assert rows[0] == ["bert_tf", "20.0", "2.00", "2.00", "1.00"]
    assert [generators.MODEL_GARDEN, "20.0", "0.25", "0.25", "0.12"] in rows
    # 10 MB in 22 seconds, 4 of them to import.
    assert rows[-1] == [
        "google-research/bert (published, not run)", "10.0", "0.56", "", "0.28"
    ]  # fmt: skip


def test_whole_runs_have_nothing_subtracted(results):
    rows = rows_of(report.to_markdown(results), "Whole runs")

    assert rows[0] == [
        "bert_tf", "21.0", "4.0", "4.0", "14.0", "14.0", "900", "1,000", "48", "3.0"
    ]  # fmt: skip


def test_a_further_use_is_a_share_of_the_first(results):
    rows = rows_of(report.to_markdown(results), "Text used more than once")

    assert rows == [["2", "15.0", "50%"], ["5", "30.0", "50%"]]


def test_workers_peers_memory_and_reading(results):
    markdown = report.to_markdown(results)

    assert "makes 20.0 MB/s and two make 40.0: 2.00 times as much" in markdown
    assert "1.000 times the examples and 1.000 times the predictions" in markdown
    grown = rows_of(markdown, "As the text grows")
    assert grown[0] == ["bert_tf", "60", "700", "900", "13.0"]
    assert len(grown) == 6
    assert rows_of(markdown, "Reading") == [["bert_tf", "20,000"]]


def test_json_holds_every_run(results):
    content = json.loads(report.to_json(results))

    assert len(content["runs"]) == 15
    assert content["runs"][0]["usage"]["cpu_seconds"] == 14
