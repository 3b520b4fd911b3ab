"""The table, of round figures."""

import json

import pytest

from benchmarks.tasks.report import Result, Results


def result(system, seed, accuracy, **fields):
    return Result(
        "sst2",
        system,
        seed,
        load_average=0.5 + seed,
        figures=[{"accuracy": 0.1}, {"accuracy": accuracy}, {"accuracy": 0.5}],
        seconds=60.0 * (seed + 1),
        **fields,
    )


@pytest.fixture
def results():
    return Results(
        machine="A machine",
        settings={"dtype": "float32"},
        results=[
            result("ours", 0, 0.88),
            result("transformers", 0, 0.86),
            Result("scan", "ours", 0, load_average=0.5, failure="no memory"),
            result("ours", 1, 0.90),
        ],
    )


def rows_of(markdown):
    lines = [line for line in markdown.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_figures_are_those_of_the_best_epoch_and_of_the_last(results):
    markdown = results.to_markdown()

    sst2, _ = rows_of(markdown)
    assert sst2 == [
        "SST-2, 10,000 sentences",
        "accuracy",
        "0.87 met",
        "0.890 ± 0.014 [0.880, 0.900]",
        "0.860",
        "0.500 ± 0.000 [0.500, 0.500]",
        "0.500",
        "1.5",
        "1.0",
        "0.5 to 1.5",
    ]
    assert "A machine" in markdown


def test_a_failure_is_told(results):
    markdown = results.to_markdown()

    _, scan = rows_of(markdown)
    assert scan == [
        *("SCAN simple, from random weights", "exact_match", "0.95"),
        *[""] * 7,
    ]
    assert (
        "bert_tf failed at SCAN simple, from random weights with seed 0: no memory"
        in markdown
    )


def test_a_floor_is_for_each_seed(results):
    results.results.append(result("ours", 2, 0.86))

    sst2, _ = rows_of(results.to_markdown())

    assert sst2[2] == "0.87 missed"


def test_json_holds_everything(results):
    content = json.loads(results.to_json())

    figures = content["results"][0]["figures"]
    assert [of_one["accuracy"] for of_one in figures] == [0.1, 0.88, 0.5]
    assert content["tasks"]["sst2"]["learning_rate"] == 1e-4
