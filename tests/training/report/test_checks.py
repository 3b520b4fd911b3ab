"""A warning comes just beyond its threshold, with the number and what to do."""

import re

import pytest

from bert_tf.config import InputConfig
from bert_tf.training.report.checks import warnings
from bert_tf.training.report.run import read_run
from tests.training.report.made_runs import lines, made_config, made_data, write_run

TURNED = {150: {"masked_lm_loss": 5.0}, 200: {"masked_lm_loss": 5.101}}
LEVEL = {150: {"masked_lm_loss": 5.0}, 200: {"masked_lm_loss": 5.099}}


def found(folder, **changes):
    return warnings(read_run(write_run(folder, **changes)))


@pytest.mark.parametrize(
    ("usual", "odd", "message"),
    [
        (
            {"metrics": lines(train={"input_share": 0.02})},
            {"metrics": lines(train={"input_share": 0.021})},
            "^Steps waited for their examples 2.1% of the time, .* --masking=static",
        ),
        (
            {"metrics": lines(train={"tokens_per_row": 70.1})},
            {"metrics": lines(train={"tokens_per_row": 69.9})},
            "^30.1% of what is computed is padding: .* --config.input.packing=true",
        ),
        (
            {"metrics": lines(held_out={200: {"masked_lm_accuracy": 0.0501}})},
            {"metrics": lines(held_out={200: {"masked_lm_accuracy": 0.05}})},
            "^5.0% of the held-out masked words are right, no more than the 5.0% of .*"
            "--config.optimizer.learning_rate=0.001",
        ),
        (
            # 1.96 * sqrt(0.25 / 400)
            {"metrics": lines(held_out={200: {"next_sentence_accuracy": 0.5491}})},
            {"metrics": lines(held_out={200: {"next_sentence_accuracy": 0.5489}})},
            "^54.9% of the held-out next sentences .* 50.0% and chance up to another "
            "4.9%: .* --next_sentence=false",
        ),
        (
            {"metrics": lines(held_out=LEVEL)},
            {"metrics": lines(held_out=TURNED)},
            "^masked_lm_loss of the held-out examples has risen from 5.000 at step 150 "
            "to 5.101 .* --config.model.hidden_dropout_prob=0.1",
        ),
    ],
)
def test_it_comes_just_beyond_its_threshold(tmp_path, usual, odd, message):
    assert found(tmp_path / "usual", **usual) == []
    (line,) = found(tmp_path / "odd", **odd)
    assert re.search(message, line)
    assert "\n" not in line


def test_a_held_out_loss_may_rise_with_that_of_training(tmp_path):
    metrics = lines(held_out=TURNED)
    for line in metrics:
        if line["split"] == "train" and line["step"] > 150:
            line["masked_lm_loss"] += 9
    assert found(tmp_path / "run", metrics=metrics) == []


def test_rows_that_are_packed_already_are_not_to_be_packed(tmp_path):
    metrics = lines(train={"tokens_per_row": 50.0})
    packed = InputConfig(data_dir="data", packing=True)
    assert len(found(tmp_path / "a", metrics=metrics)) == 1
    config = made_config(input=packed)
    assert found(tmp_path / "b", metrics=metrics, config=config) == []


def test_of_a_run_that_has_just_begun_nothing_is_said(tmp_path):
    assert found(tmp_path / "run", metrics=[]) == []


def test_losses_of_two_phases_are_not_compared(tmp_path):
    metrics = lines(held_out=TURNED)
    long = InputConfig(data_dir="long", train_batch_size=10)
    changes = {
        "config": made_config(num_long_steps=50, long_input=long),
        "data": made_data(long_splits=[made_data()["splits"]]),
    }
    assert len(found(tmp_path / "a", metrics=metrics)) == 1
    assert found(tmp_path / "b", metrics=metrics, **changes) == []
