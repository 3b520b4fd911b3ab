"""What all systems are told and measured by."""

import json
import sys

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.pretraining import job as jobs

VOCAB_SIZE = 30


@pytest.fixture
def job(tmp_path):
    """Seventy held-out rows: more than are predicted at once."""
    rng = np.random.default_rng(0)
    shape = (70, 3)
    np.savez(
        tmp_path / "held_out.npz",
        input_word_ids=rng.integers(0, VOCAB_SIZE, (70, 8)),
        input_mask=np.ones((70, 8), np.int32),
        masked_lm_positions=rng.integers(0, 8, shape),
        masked_lm_ids=rng.integers(0, VOCAB_SIZE, shape),
        masked_lm_weights=(rng.random(shape) < 0.5).astype(np.float32),
    )
    return jobs.Job(
        data=str(tmp_path),
        output=str(tmp_path),
        size="tiny",
        vocab_size=VOCAB_SIZE,
        dtype="float32",
        minutes=1,
        batch_size=4,
        learning_rate=1e-3,
    )


def test_a_job_survives_the_command_line(job, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["program", job.to_json(), "modern"])

    assert jobs.Job.from_arguments() == job


def test_figures_are_means_over_all_predictions(job):
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(70, 3, VOCAB_SIZE)) * 100
    arrays = np.load(f"{job.data}/held_out.npz")
    asked = []

    def predict(batch):
        start = sum(asked)
        asked.append(len(batch["input_mask"]))
        return logits[start : sum(asked)].astype(np.float32)

    figures = jobs.evaluate(job, predict)

    labels, weights = arrays["masked_lm_ids"], arrays["masked_lm_weights"]
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    is_right = logits.argmax(-1) == labels
    assert len(asked) == 2
    assert figures == {
        "held_out_loss": pytest.approx(np.average(losses, weights=weights), rel=1e-6),
        "held_out_accuracy": pytest.approx(np.average(is_right, weights=weights)),
    }


def test_an_outcome_is_printed_as_json(capsys):
    outcome = jobs.Outcome(
        num_steps=1,
        num_tokens=2,
        seconds=None,
        held_out_loss=np.float64(3).item(),
        held_out_accuracy=0.5,
    )

    outcome.print()

    assert jobs.Outcome(**json.loads(capsys.readouterr().out)) == outcome


def test_a_clock_runs_out():
    clock = jobs.Clock(minutes=1e-4)

    assert 0 <= clock.share_left < 1
    while clock.share_left:
        pass
    assert clock.seconds >= 0.006
