"""The tables, of runs with round numbers."""

import json
import math

import pytest

from benchmarks.serving import report
from benchmarks.serving.contestants import OURS
from benchmarks.serving.job import Setting
from benchmarks.serving.measuring import Measurement

PEER = "Peer"


def make_run(name, *, call_seconds=0.1, batch_size=8, dtype="float32", **fields):
    """A run of ten calls, the slowest of which takes twice as long."""
    probabilities = fields.pop("probabilities", [0.25, 0.5])
    failure = fields.pop("failure", "")
    measurement = Measurement(
        load_seconds=3.0,
        num_calls=10,
        seconds=10 * call_seconds,
        p50_seconds=call_seconds,
        p99_seconds=2 * call_seconds,
        tokenizing_seconds=call_seconds / 20,
        probabilities=probabilities,
    )
    return report.Run(
        name=name,
        setting=Setting("tiny", 16, dtype, batch_size),
        turn=fields.pop("turn", 1),
        load_average=0.5,
        measurement=None if failure else measurement,
        peak_bytes=900_000_000,
        disk_bytes=20_000_000,
        failure=failure,
    )


def make_results(*runs):
    return report.Results("A machine", "a vocabulary", num_turns=3, runs=list(runs))


@pytest.fixture
def results():
    """Three turns of ours and of a peer, one of another that fails."""
    runs = [make_run("Broken", failure="no kernel")]
    for turn, ours, peer in ((1, 0.1, 0.3), (2, 0.4, 0.2), (3, 0.2, 0.4)):
        runs += [
            make_run(OURS, turn=turn, call_seconds=ours),
            make_run(PEER, turn=turn, call_seconds=peer, probabilities=[0.25, 0.4999]),
        ]
    return make_results(*runs)


def rows_of(markdown, title):
    """The cells of each row of the table below a title."""
    section = markdown.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_ratios_are_of_medians(results):
    markdown = report.to_markdown(results)

    setting = "tiny, 16 tokens, float32, 8 texts"
    assert rows_of(markdown, "Texts a second") == [[setting, "-", "1.00", "0.67"]]
    assert rows_of(markdown, "Median latency") == [[setting, "-", "1.00", "1.50"]]


def test_figures_of_a_setting(results):
    markdown = report.to_markdown(results)

    assert rows_of(markdown, "tiny, 16 tokens, float32") == [
        [OURS, "8", "200.00", "400.00", "40.0", "5.0%", "3.0", "900", "20", "0.0e+00"],
        [PEER, "8", "300.00", "600.00", "26.7", "5.0%", "3.0", "900", "20", "1.0e-04"],
    ]
    assert "Broken failed: no kernel" in markdown
    assert f"{PEER} failed" not in markdown


def test_batches_are_in_one_table():
    results = make_results(
        make_run(OURS, batch_size=1),
        make_run(PEER, batch_size=1, failure="no memory"),
        make_run(OURS, batch_size=32),
        make_run(PEER, batch_size=32, failure="no memory"),
    )

    markdown = report.to_markdown(results)

    rows = rows_of(markdown, "tiny, 16 tokens, float32")
    assert [row[:2] for row in rows] == [[OURS, "1"], [OURS, "32"]]
    assert markdown.count("Peer failed: no memory") == 1


@pytest.mark.parametrize("wrong", [0.502, math.nan])
def test_other_answers_in_float32_are_a_failure(wrong):
    results = make_results(make_run(OURS), make_run(PEER, probabilities=[0.25, wrong]))

    assert "Peer failed: expected bert_tf's answers" in report.to_markdown(results)


def test_answers_in_bfloat16_are_compared_with_ours_in_float32():
    results = make_results(
        make_run(OURS, batch_size=1),
        make_run(OURS, dtype="bfloat16", probabilities=[0.25, 0.52]),
    )

    markdown = report.to_markdown(results)

    assert rows_of(markdown, "tiny, 16 tokens, bfloat16")[0][-1] == "2.0e-02"
    assert "failed:" not in markdown


def test_without_ours_nothing_is_compared():
    markdown = report.to_markdown(make_results(make_run(PEER)))

    assert rows_of(markdown, "Texts a second")[0][-1] == "-"
    assert rows_of(markdown, "tiny, 16 tokens, float32")[0][-1] == "-"
    assert "failed:" not in markdown


def test_json_holds_every_run(results):
    content = json.loads(report.to_json(results))

    assert len(content["runs"]) == 7
    assert content["runs"][0]["failure"] == "no kernel"
    assert content["runs"][1]["measurement"]["num_calls"] == 10
    assert content["runs"][1]["setting"]["length"] == 16
