"""Scores of pairs, from files to figures."""

import random

import pytest

from bert_tf.config import FinetuneConfig, TaskConfig
from bert_tf.errors import UserError
from bert_tf.tasks.regression import PairRegression
from bert_tf.tasks.task import Example
from bert_tf.training.finetune_lib import finetune_and_evaluate


def write_pairs(path, *, seed, count):
    """The score is how many of three words are good."""
    rng = random.Random(seed)
    lines = ["index\tgenre\tsentence1\tsentence2\tscore"]
    for number in range(count):
        words = [rng.choice(("good", "bad")) for _ in range(3)]
        lines.append(
            f"{number}\tx\tthe film was {words[0]}\t{words[1]} and {words[2]}\t"
            f"{words.count('good'):.3f}"
        )
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def config_of(bert, folder, *, num_train, num_held_out, **overrides):
    return FinetuneConfig(
        task=TaskConfig(name="pair_regression", max_seq_length=32),
        init_checkpoint=bert,
        train_file=write_pairs(folder / "train.tsv", seed=1, count=num_train),
        eval_file=write_pairs(folder / "dev.tsv", seed=2, count=num_held_out),
        **overrides,
    )


def test_scores_are_learnt(bert, tmp_path):
    config = config_of(
        bert,
        tmp_path,
        num_train=240,
        num_held_out=40,
        train_batch_size=8,
        learning_rate=2e-3,
    )

    results = finetune_and_evaluate(config, str(tmp_path / "run"))

    assert results["pearson"] > 0.9
    assert results["spearman"] > 0.9


def test_metrics():
    task = PairRegression(TaskConfig(), tokenizer=None)
    examples = [Example({}, target) for target in (0.0, 1.0, 2.0, 5.0)]

    def figures(*scores):
        return task.metrics([{"score": score} for score in scores], examples)

    assert figures(1.0, 3.0, 5.0, 11.0)["pearson"] == pytest.approx(1)
    cubed = figures(0.0, 1.0, 8.0, 125.0)
    assert cubed["spearman"] == pytest.approx(1)
    assert cubed["pearson"] < 0.95
    assert figures(5.0, 2.0, 1.0, 0.0)["spearman"] == pytest.approx(-1)
    assert figures(1.0, 1.0, 1.0, 1.0) == {"pearson": 0.0, "spearman": 0.0}


def test_pairs_without_scores(monkeypatch):
    examples = [Example({}, 1.0, 1), Example({}, None, 2)]
    monkeypatch.setattr(PairRegression, "read", lambda path, columns: examples)

    with pytest.raises(UserError, match=r"dev\.csv:2: expected a score, received none"):
        PairRegression.read_labelled("dev.csv", {})


def test_classes_that_are_none_have_no_labels(bert, tmp_path):
    config = config_of(bert, tmp_path, num_train=2, num_held_out=2)
    config.task.labels = ("a", "b")

    with pytest.raises(UserError, match="labels: expected none for pair_regression"):
        finetune_and_evaluate(config, str(tmp_path / "run"))


def test_classes_that_are_none_cannot_be_balanced(bert, tmp_path):
    config = config_of(
        bert, tmp_path, num_train=2, num_held_out=2, class_weights="balanced"
    )

    with pytest.raises(UserError, match="class_weights: expected none for pair_regr"):
        finetune_and_evaluate(config, str(tmp_path / "run"))


@pytest.mark.parametrize("score", ["high", "nan", "inf"])
def test_a_score_that_is_no_number(score, tmp_path):
    path = tmp_path / "dev.tsv"
    path.write_text(f"sentence1\tsentence2\tscore\na\tb\t1\na\tb\t{score}\n")

    with pytest.raises(UserError, match=r"dev\.tsv:3: expected a number as score"):
        PairRegression.read(str(path), {})
