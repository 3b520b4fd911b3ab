"""The tables, of round figures."""

import json
import math

import pytest

from benchmarks.pretraining import report
from benchmarks.pretraining.job import Outcome


def pretrained(name, loss, *, rate=1e-3, seconds=1200.0):
    outcome = Outcome(
        num_steps=1500,
        num_tokens=6_000_000,
        seconds=seconds,
        held_out_loss=loss,
        held_out_accuracy=0.25,
    )
    return report.Pretrained(name, rate, load_average=0.5, outcome=outcome)


@pytest.fixture
def results():
    failed = report.Pretrained("Broken", 1e-3, load_average=0.5, failure="no memory")
    return report.Results(
        machine="A machine",
        settings={"minutes": 20},
        frequencies_loss=6.5,
        pretrained=[
            pretrained("Ours", 4.5, rate=5e-4),
            pretrained("Ours", 4.0),
            pretrained("Peer", 5.0, seconds=None),
            failed,
        ],
        finetuned={"random weights": [0.5], "Ours": [0.8, 0.7, 0.9]},
    )


def rows_of(markdown, title):
    """The cells of each row of the table below a title."""
    section = markdown.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_lowest_loss_is_the_best(results):
    best = report.best(results.pretrained)

    assert {name: each.learning_rate for name, each in best.items()} == {
        "Ours": 1e-3,
        "Peer": 1e-3,
    }


def test_perplexities_are_compared_with_the_best_of_ours(results):
    markdown = report.to_markdown(results)

    assert rows_of(markdown, "Masked words, held out") == [
        ["Ours", "0.0005", "1,500", "6.0", "20.0", "0.250", "4.500", "1.65"],
        ["Ours", "0.001", "1,500", "6.0", "20.0", "0.250", "4.000", "1.00"],
        ["Peer", "0.001", "1,500", "6.0", "", "0.250", "5.000", f"{math.e:.2f}"],
    ]
    assert "Broken failed at 0.001: no memory" in markdown
    assert "a loss of 6.50" in markdown


def test_accuracies_are_medians(results):
    rows = rows_of(report.to_markdown(results), "Fine-tuned on SST-2")

    assert rows == [
        ["random weights", "0.500", "0.500", "0.500"],
        ["Ours", "0.800", "0.700", "0.900"],
    ]


def test_nothing_is_said_of_fine_tuning_that_was_not_done(results):
    results.finetuned = {}

    assert "SST-2" not in report.to_markdown(results)


def test_json_holds_everything(results):
    content = json.loads(report.to_json(results))

    assert content["pretrained"][1]["outcome"]["held_out_loss"] == 4.0
    assert content["finetuned"]["Ours"] == [0.8, 0.7, 0.9]
