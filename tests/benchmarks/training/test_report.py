"""The tables, of runs with round numbers."""

import json

import pytest

from benchmarks.training import report
from benchmarks.training.contestants import OURS
from benchmarks.training.workload import Measurement, Setting, Workload

SETTING = Setting("tiny", 128, "float32")
PEER = "Peer"


def make_run(name, *, turn, tokens_per_second, batch_size=8, peak_flops=None):
    measured = Measurement(
        num_steps=10,
        seconds=5.0,
        num_examples=50,
        num_tokens=5 * tokens_per_second,
        num_predictions=100,
        peak_flops=peak_flops,
    )
    return report.Run(
        name=name,
        workload=make_workload(batch_size),
        turn=turn,
        load_average=0.5,
        measurement=measured if tokens_per_second else None,
        peak_bytes=900_000_000,
        failure="" if tokens_per_second else "no memory",
    )


def make_workload(batch_size):
    return Workload(
        setting=SETTING,
        vocab_size=1000,
        examples="128.npz",
        batch_size=batch_size,
        warmup_seconds=2,
        seconds=5,
    )


@pytest.fixture
def results():
    """Three turns; a batch of 32 is better for the peer, and one of 8 for ours."""
    runs = [
        make_run(OURS, turn=1, tokens_per_second=1000, peak_flops=1e10),
        make_run(OURS, turn=1, tokens_per_second=900, batch_size=32),
        make_run(PEER, turn=1, tokens_per_second=400),
        make_run(PEER, turn=1, tokens_per_second=500, batch_size=32, peak_flops=2e10),
        make_run("Broken", turn=1, tokens_per_second=0),
    ]
    for turn, ours, peer in ((2, 2000, 700), (3, 1200, 600)):
        runs += [
            make_run(OURS, turn=turn, tokens_per_second=ours),
            make_run(PEER, turn=turn, tokens_per_second=peer, batch_size=32),
        ]
    return report.Results("A machine", ["Examples"], num_turns=3, runs=runs)


def rows_of(markdown, title):
    """The cells of each row of the table below a title."""
    section = markdown.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_best_batch_is_that_of_the_first_turn(results):
    best = {
        name: report.best_batch_size(results.runs, name, SETTING)
        for name in (OURS, PEER, "Broken")
    }

    assert best == {OURS: 8, PEER: 32, "Broken": None}


def test_speed_is_a_ratio_of_medians(results):
    rows = rows_of(report.to_markdown(results), "Speed")

    assert rows == [[OURS, "1.00"], [PEER, "0.50"], ["Broken", "-"]]


def test_figures_of_a_setting(results):
    markdown = report.to_markdown(results)

    rows = rows_of(markdown, "tiny, 128 tokens, float32")
    assert [row[:5] + row[6:] for row in rows] == [
        [OURS, "8", "0.50", "1,200", "1.00", "900"],
        [PEER, "32", "0.50", "600", "0.50", "900"],
    ]
    assert "Broken failed: no memory" in markdown


def test_utilization_is_of_the_fastest_product_of_the_type(results):
    rows = rows_of(report.to_markdown(results), "tiny, 128 tokens, float32")

    # A layer has 12 * 128^2 weights, each token attends to 120 others with 128 units
    # twice. For two of 120 tokens there is a head with a layer of 128^2 and 1000 words;
    # for the others the second layer has keys and values, two of the twelve, alone.
    layer = 2 * 12 * 128**2 + 4 * 128 * 120
    keys_and_values = 2 * 2 * 128**2
    head = 2 * (128**2 + 128 * 1000)
    predicted = layer - keys_and_values + head
    flops = 3 * (1200 * (layer + keys_and_values) + 20 * predicted)
    assert rows[0][5] == f"{flops / 2e10:.0%}"


def test_products_are_told_by_library(results):
    rows = rows_of(report.to_markdown(results), "Products of matrices")

    assert rows == [[OURS, "float32", "10"], [PEER, "float32", "20"]]


def test_json_holds_every_run(results):
    content = json.loads(report.to_json(results))

    assert len(content["runs"]) == 9
    assert content["runs"][0]["measurement"]["num_tokens"] == 5000
    assert content["runs"][4]["failure"] == "no memory"
