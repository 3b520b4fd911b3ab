import math

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.tasks import pretraining


def test_weighted_sums_equal_the_definition():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 2, 5)).astype("float32")
    next_logits = rng.normal(size=(3, 2)).astype("float32")
    batch = {
        "masked_lm_ids": np.array([[1, 2], [3, 0], [4, 4]]),
        "masked_lm_weights": np.array([[1, 1], [1, 0], [0, 0]], "float32"),
        "next_sentence_labels": np.array([0, 1, 1]),
    }

    sums = pretraining.weighted_sums(
        {
            "masked_lm_logits": tf.constant(logits),
            "next_sentence_logits": tf.constant(next_logits),
        },
        {name: tf.constant(values) for name, values in batch.items()},
    )

    assert list(sums) == [
        "masked_lm_loss",
        "masked_lm_accuracy",
        "next_sentence_loss",
        "next_sentence_accuracy",
    ]
    loss = hits = 0.0
    for row, slot in [(0, 0), (0, 1), (1, 0)]:
        label = batch["masked_lm_ids"][row, slot]
        scores = logits[row, slot].astype("float64")
        loss += math.log(sum(math.exp(score) for score in scores)) - scores[label]
        hits += float(np.argmax(scores) == label)
    assert float(sums["masked_lm_loss"][0]) == pytest.approx(loss, abs=1e-5)
    assert float(sums["masked_lm_accuracy"][0]) == hits
    assert float(sums["masked_lm_loss"][1]) == 3
    assert float(sums["next_sentence_loss"][1]) == 3
    expected_hits = np.sum(next_logits.argmax(-1) == batch["next_sentence_labels"])
    assert float(sums["next_sentence_accuracy"][0]) == expected_hits


def test_single_segments_have_no_next_sentence():
    outputs = {"masked_lm_logits": tf.zeros([2, 1, 5])}
    outputs["next_sentence_logits"] = tf.zeros([2, 2])
    batch = {
        "masked_lm_ids": tf.ones([2, 1], tf.int32),
        "masked_lm_weights": tf.ones([2, 1]),
    }
    sums = pretraining.weighted_sums(outputs, batch)
    assert list(sums) == ["masked_lm_loss", "masked_lm_accuracy"]

    results = pretraining.results(
        {"masked_lm_loss": 0.0, "masked_lm_accuracy": 0.5},
        {"masked_lm_accuracy": 0.1, "masked_lm_perplexity": 9.0},
        num_examples=4,
    )
    assert "next_sentence" not in pretraining.format_results(results)


def test_results_and_their_table():
    means = {
        "masked_lm_loss": math.log(40.0),
        "masked_lm_accuracy": 0.31,
        "next_sentence_loss": 0.6,
        "next_sentence_accuracy": 0.72,
    }
    baselines = {
        "masked_lm_accuracy": 0.06,
        "masked_lm_perplexity": 900.0,
        "next_sentence_accuracy": 0.58,
    }

    results = pretraining.results(means, baselines, num_examples=400)

    assert results["masked_lm_perplexity"] == pytest.approx(40)
    assert results["next_sentence_interval"] == pytest.approx(0.049)
    table = pretraining.format_results(results).splitlines()
    assert len({len(line) for line in table}) == 1
    assert "0.310" in table[2] and "0.060" in table[2]
    assert "+0.220" in table[5] and "±0.049" in table[5] and "400 pairs" in table[5]
