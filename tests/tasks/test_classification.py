"""Classes of texts and of pairs, from files to figures."""

import dataclasses
import json
import random
import shutil

import numpy as np
import pytest

from bert_tf.config import (
    BertConfig,
    FeatureConfig,
    FinetuneConfig,
    Sampling,
    TaskConfig,
)
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints.formats import read_pretrained, write_pretrained
from bert_tf.modeling.checkpoints.pretrained import Pretrained
from bert_tf.tasks.answering import answer_examples
from bert_tf.tasks.classification import Classification, PairClassification
from bert_tf.tasks.finetuned import load_finetuned
from bert_tf.tasks.labels import with_labels
from bert_tf.tasks.task import Example
from bert_tf.training import finetune_lib
from bert_tf.training.finetune_lib import finetune_and_evaluate

GOOD, BAD = ("good", "fine", "great", "nice"), ("bad", "awful", "poor", "sad")


def write_reviews(path, *, seed, count=96):
    rng = random.Random(seed)
    lines = ["sentence\tlabel"]
    for _ in range(count):
        is_good = rng.random() < 0.5
        filler = " ".join(
            rng.choices(("very", "and", "this", "film"), k=rng.randint(0, 9))
        )
        word = rng.choice(GOOD if is_good else BAD)
        lines.append(f"the film was {filler} {word} .\t{'good' if is_good else 'bad'}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reviews")
    return (
        write_reviews(folder / "train.tsv", seed=1, count=320),
        write_reviews(folder / "dev.tsv", seed=2, count=50),
    )


def config_of(bert, files, name="classification", **overrides):
    train_file, eval_file = files
    return FinetuneConfig(
        **{
            "task": TaskConfig(name=name, max_seq_length=32),
            "init_checkpoint": bert,
            "train_file": train_file,
            "eval_file": eval_file,
            "train_batch_size": 8,
            "learning_rate": 2e-3,
            "num_epochs": 3,
        }
        | overrides
    )


@pytest.fixture(scope="module")
def finetuned(bert, reviews, tmp_path_factory):
    workdir = str(tmp_path_factory.mktemp("finetuned"))
    return workdir, finetune_and_evaluate(config_of(bert, reviews), workdir)


def test_it_learns(finetuned):
    _, results = finetuned

    assert results["accuracy"] > 0.95
    assert results["num_examples"] == 50


def test_a_loaded_model_answers_as_it_was_evaluated(finetuned, reviews):
    workdir, results = finetuned
    task, model = load_finetuned(workdir)
    examples = task.read(reviews[1], {})

    answers = answer_examples(task, model, examples, batch_size=7)

    figures = task.metrics(answers, examples)
    assert figures == {name: results[name] for name in figures}
    assert set(answers[0]) == {"label", "probabilities"}
    assert list(answers[0]["probabilities"]) == ["bad", "good"]
    assert sum(answers[0]["probabilities"].values()) == pytest.approx(1)


def test_it_does_not_write(finetuned):
    with pytest.raises(UserError, match=r"sampling: expected .* one of classification"):
        load_finetuned(finetuned[0], sampling=Sampling("beam"))


def test_answers_do_not_depend_on_the_batch(finetuned, reviews):
    task, model = load_finetuned(finetuned[0])
    examples = task.read(reviews[1], {})

    one_by_one = answer_examples(task, model, examples, batch_size=1)
    together = answer_examples(task, model, examples, batch_size=50)

    for alone, beside in zip(one_by_one, together, strict=True):
        assert alone["label"] == beside["label"]
        for label, probability in alone["probabilities"].items():
            assert beside["probabilities"][label] == pytest.approx(probability, abs=1e-5)


def test_the_same_command_again_gives_the_same_figures(
    finetuned, bert, reviews, tmp_path
):
    _, results = finetuned
    config = config_of(bert, reviews)

    assert finetune_and_evaluate(config, str(tmp_path)) == results
    assert finetune_and_evaluate(config, str(tmp_path)) == results  # nothing left to do


def test_an_interrupted_run_ends_as_a_whole_one(
    finetuned, bert, reviews, tmp_path, monkeypatch
):
    _, results = finetuned
    config = config_of(bert, reviews)

    evaluate, calls = finetune_lib.evaluate, []

    def evaluate_twice(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluate(*arguments, **options)

    monkeypatch.setattr(finetune_lib, "evaluate", evaluate_twice)
    with pytest.raises(KeyboardInterrupt):
        finetune_and_evaluate(config, str(tmp_path))
    monkeypatch.setattr(finetune_lib, "evaluate", evaluate)

    assert finetune_and_evaluate(config, str(tmp_path)) == results
    steps = [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").open()]
    assert steps == [40, 40, 80, 80, 120, 120]


def test_another_configuration_on_the_same_folder_is_refused(finetuned, bert, reviews):
    with pytest.raises(UserError, match="received num_epochs=4 instead of 3"):
        finetune_and_evaluate(config_of(bert, reviews, num_epochs=4), finetuned[0])


def test_other_examples_in_the_same_file_are_refused(bert, tmp_path, monkeypatch):
    files = (
        write_reviews(tmp_path / "train.tsv", seed=1, count=24),
        write_reviews(tmp_path / "dev.tsv", seed=2, count=4),
    )
    config, workdir = config_of(bert, files), str(tmp_path / "run")
    save = finetune_lib.TrainingState.save

    def save_and_stop(state):
        save(state)
        raise KeyboardInterrupt

    monkeypatch.setattr(finetune_lib.TrainingState, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        finetune_and_evaluate(config, workdir)
    write_reviews(tmp_path / "train.tsv", seed=1, count=48)

    with pytest.raises(UserError, match=r"begun with in '.*train\.tsv', received others"):
        finetune_and_evaluate(config, workdir)


def test_other_examples_after_the_end_are_refused(bert, tmp_path):
    files = (
        write_reviews(tmp_path / "train.tsv", seed=1, count=8),
        write_reviews(tmp_path / "dev.tsv", seed=2, count=8),
    )
    config, workdir = config_of(bert, files, num_epochs=1), str(tmp_path / "run")
    finetune_and_evaluate(config, workdir)
    write_reviews(tmp_path / "dev.tsv", seed=3, count=8)

    with pytest.raises(UserError, match=r"begun with in '.*dev\.tsv', received others"):
        finetune_and_evaluate(config, workdir)


@pytest.mark.parametrize("labels", [("good",), ("good", "bad", "good")])
def test_labels_that_are_no_choice(labels, bert, reviews, tmp_path):
    task = TaskConfig("classification", labels=labels, max_seq_length=32)

    with pytest.raises(UserError, match="labels: expected two or more, and each once"):
        finetune_and_evaluate(config_of(bert, reviews, task=task), str(tmp_path))


def test_a_file_with_one_label(bert, reviews, tmp_path):
    path = tmp_path / "one.tsv"
    path.write_text("sentence\tlabel\na film\tgood\nthe film\tgood\n")

    with pytest.raises(UserError, match=r"one\.tsv: expected two labels .* 'good' alone"):
        finetune_and_evaluate(config_of(bert, (str(path), reviews[1])), str(tmp_path))


def test_a_damaged_configuration_in_the_folder(bert, reviews, tmp_path):
    for damaged, message in (("{", "Expected JSON in"), ("[]", "Expected an object of")):
        (tmp_path / "config.json").write_text(damaged)

        with pytest.raises(UserError, match=rf"{message} .*config\.json'"):
            finetune_and_evaluate(config_of(bert, reviews), str(tmp_path))


def test_labels_in_another_order_are_answered_alike(finetuned, reviews, tmp_path):
    workdir, results = finetuned
    task = TaskConfig("classification", labels=("good", "bad"), max_seq_length=32)
    config = config_of(workdir, ("", reviews[1]), task=task, num_epochs=0)

    swapped = finetune_and_evaluate(config, str(tmp_path))

    assert swapped["accuracy"] == results["accuracy"]
    kernel = "sequence_classifier/kernel"
    before, after = (read_pretrained(path) for path in (workdir, str(tmp_path)))
    np.testing.assert_array_equal(after.weights[kernel], before.weights[kernel][:, ::-1])


def test_labels_are_the_checkpoints_where_nothing_is_learnt(finetuned, reviews, tmp_path):
    workdir, results = finetuned
    config = config_of(workdir, ("", reviews[1]), num_epochs=0)

    assert finetune_and_evaluate(config, str(tmp_path))["f1"] == results["f1"]


def test_nothing_is_learnt_and_nobody_knows_the_labels(bert, reviews, tmp_path):
    config = config_of(bert, ("", reviews[1]), num_epochs=0)

    with pytest.raises(UserError, match="labels: expected those of the classes"):
        finetune_and_evaluate(config, str(tmp_path))


def test_a_head_at_random_is_not_evaluated(finetuned, bert, reviews, tmp_path):
    task = TaskConfig("classification", labels=("0", "1"), max_seq_length=32)
    for checkpoint in (bert, finetuned[0]):
        config = config_of(checkpoint, ("", reviews[1]), task=task, num_epochs=0)
        config.columns = {"text": "sentence", "label": "stars"}
        (tmp_path / "dev.tsv").write_text("sentence\tstars\nfine\t1\n")
        config.eval_file = str(tmp_path / "dev.tsv")

        with pytest.raises(UserError, match=r"sequence_classifier/.* found none"):
            finetune_and_evaluate(config, str(tmp_path / "run"))


def test_case_as_it_is_told(bert, reviews, tmp_path):
    config = config_of(bert, reviews, num_epochs=1)

    finetune_and_evaluate(config, str(tmp_path), do_lower_case=False)

    assert not load_finetuned(str(tmp_path))[0].tokenizer.lower_case


def test_a_classifier_of_other_labels_begins_anew():
    config = BertConfig()
    weights = {"bert/pooler/bias": np.ones(2), "sequence_classifier/bias": np.ones(2)}
    pretrained = Pretrained(config, weights, None, None, labels=("ham", "spam"))

    assert set(with_labels(pretrained, ("ham", "news")).weights) == {"bert/pooler/bias"}
    assert with_labels(pretrained, ()) is pretrained
    unnamed = dataclasses.replace(pretrained, labels=())
    assert with_labels(unnamed, ("ham", "news")) is unnamed


def test_a_frozen_encoder_has_the_layers_it_has(bert, reviews, tmp_path):
    features = FeatureConfig(frozen=True, pooling="mean")
    config = config_of(bert, reviews, features=features, num_epochs=1)

    finetune_and_evaluate(config, str(tmp_path))

    assert load_finetuned(str(tmp_path))[1].features.layers == (-1, -2)


def test_a_frozen_encoder_stays_as_it_is(bert, reviews, tmp_path):
    features = FeatureConfig(frozen=True, layers=(-1, -2), pooling="mean")
    config = config_of(bert, reviews, features=features, num_epochs=1)

    finetune_and_evaluate(config, str(tmp_path))

    before, after = (read_pretrained(path).weights for path in (bert, str(tmp_path)))
    for path, values in before.items():
        np.testing.assert_array_equal(after[path], values)
    assert after["sequence_classifier/kernel"].shape == (64, 2)
    with pytest.raises(UserError, match="a head on the last layer's output"):
        write_pretrained(
            read_pretrained(str(tmp_path)), str(tmp_path / "new"), format="google"
        )


def test_a_head_goes_with_what_it_has_learnt_from(bert, reviews, tmp_path, caplog):
    features = FeatureConfig(layers=(-2,), pooling="mean")
    workdir, other = str(tmp_path / "run"), str(tmp_path / "other")
    config = config_of(bert, reviews, features=features, num_epochs=1)
    learnt = finetune_and_evaluate(config, workdir)

    again = config_of(workdir, reviews, features=features, num_epochs=0)
    figures = finetune_and_evaluate(again, str(tmp_path / "again"))
    assert figures["accuracy"] == learnt["accuracy"]
    again = config_of(workdir, reviews, num_epochs=0)
    with pytest.raises(UserError, match=r"learnt from, .*layers=\(-2,\).* set --layers"):
        finetune_and_evaluate(again, other)
    caplog.set_level("INFO", logger="absl")
    finetune_and_evaluate(config_of(workdir, reviews, num_epochs=1), other)
    assert "new weights: sequence_classifier/kernel" in caplog.text


def test_new_layers_and_slower_ones(bert, reviews, tmp_path):
    config = config_of(
        bert, reviews, num_new_layers=1, layer_decay=1e-9, num_epochs=1, seed=3
    )

    finetune_and_evaluate(config, str(tmp_path))

    before, after = (read_pretrained(path).weights for path in (bert, str(tmp_path)))
    path = "bert/layer_{}/attention/query/kernel"
    # Begun anew with the standard deviation of BERT, and hardly moved.
    assert after[path.format(1)].std() == pytest.approx(0.02, rel=0.2)
    np.testing.assert_allclose(after[path.format(0)], before[path.format(0)], atol=1e-6)


def test_early_stopping_keeps_the_best_epoch(bert, reviews, tmp_path):
    config = config_of(bert, reviews, learning_rate=1e-12, num_epochs=5, patience=1)

    results = finetune_and_evaluate(config, str(tmp_path))

    assert results["epoch"] == 1
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
    assert len(lines) == 4  # two epochs, the second no better
    assert [path.name for path in (tmp_path / "best").iterdir()] == ["step-40"]


def test_rare_classes_weigh_more():
    examples = [Example({"text": "a"}, "ham")] * 3 + [Example({"text": "b"}, "spam")]
    task = Classification(TaskConfig(labels=("ham", "spam")), tokenizer=None)

    task.balance_classes(examples)

    assert task.class_weights == {"ham": 4 / 6, "spam": 2.0}


def test_metrics_are_the_official_ones():
    task = Classification(TaskConfig(labels=("0", "1")), tokenizer=None)
    expected, received = "1101000111", "1001010110"
    examples = [Example({}, label) for label in expected]
    answers = [{"label": label} for label in received]

    figures = task.metrics(answers, examples)

    # Counted by hand: 4 true and 1 false positives, 2 false and 3 true negatives.
    pairs = list(zip(expected, received, strict=True))
    tp, fp = pairs.count(("1", "1")), pairs.count(("0", "1"))
    fn, tn = pairs.count(("1", "0")), pairs.count(("0", "0"))
    assert figures["accuracy"] == pytest.approx((tp + tn) / 10)
    assert figures["f1"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
    matthews = (tp * tn - fp * fn) / (
        ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)) ** 0.5
    )
    assert figures["matthews"] == pytest.approx(matthews)


def test_macro_f1_of_three_classes():
    task = Classification(TaskConfig(labels=("a", "b", "c")), tokenizer=None)
    examples = [Example({}, label) for label in "aabbcc"]
    answers = [{"label": label} for label in "aabcca"]

    # F1 of a 2*2/(2*2+1), of b 2/(2+1), of c 2/(2+1+1).
    f1 = (4 / 5 + 2 / 3 + 1 / 2) / 3
    assert task.metrics(answers, examples)["f1"] == pytest.approx(f1)


def test_an_unknown_label_is_told_with_its_line(bert, reviews, tmp_path):
    path = tmp_path / "dev.tsv"
    path.write_text("sentence\tlabel\nthe film\tgood\na dog\tfunny\n")

    with pytest.raises(UserError, match=r"dev\.tsv:3: expected one of the labels bad"):
        finetune_and_evaluate(
            config_of(bert, (reviews[0], str(path))), str(tmp_path / "run")
        )
    assert not (tmp_path / "run").exists()  # and the mended file may be tried there


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("10", "9", "09"), ("09", "9", "10")),
        (("②", "①", "1"), ("1", "①", "②")),  # digits, but no numbers of Python's
    ],
)
def test_labels_are_in_order(labels, expected):
    examples = [Example({"text": "a"}, label) for label in labels]

    assert Classification.labels_of(examples) == expected


def test_a_run_of_more_layers_than_its_configuration_tells(finetuned, tmp_path):
    shutil.copytree(finetuned[0], tmp_path / "run")
    path = tmp_path / "run/config.json"
    config = json.loads(path.read_text())
    config["model"]["num_hidden_layers"] -= 1
    path.write_text(json.dumps(config))

    with pytest.raises(UserError, match="received one that has 'bert/layer_1/output/ker"):
        load_finetuned(str(tmp_path / "run"))


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([Example({"text": "a"}, None, 2)], r"dev\.csv:2: expected a label, received"),
        ([], r"dev\.csv: expected examples, received none"),
        ([Example({"text": "a"}, "", 2)], r"dev\.csv: expected examples with labels"),
    ],
)
def test_nothing_to_learn_from(examples, message, monkeypatch):
    monkeypatch.setattr(Classification, "read", lambda path, columns: examples)

    with pytest.raises(UserError, match=message):
        Classification.read_labelled("dev.csv", {})


def test_texts_that_are_cut_are_counted(bert, reviews, tmp_path, caplog):
    config = config_of(
        bert,
        reviews,
        task=TaskConfig(name="classification", max_seq_length=8),
        num_epochs=1,
    )

    with caplog.at_level("WARNING"):
        finetune_and_evaluate(config, str(tmp_path))

    assert "are longer than max_seq_length=8" in caplog.text


def test_a_rate_that_is_too_high_is_told_in_the_programs_words(bert, reviews, tmp_path):
    config = config_of(bert, reviews, learning_rate=1e30, num_epochs=1)

    with pytest.raises(UserError, match="lower --learning_rate or raise --warmup_share"):
        finetune_and_evaluate(config, str(tmp_path))


def test_pairs_nobody_agreed_on_are_left_out(tmp_path):
    path = tmp_path / "snli.jsonl"
    lines = [
        {"sentence1": "a cat", "sentence2": "a dog", "gold_label": label, "pairID": "1"}
        for label in ("neutral", "-", "contradiction")
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    examples = PairClassification.read_labelled(str(path), {})

    assert len(PairClassification.read(str(path), {})) == 3
    assert [example.target for example in examples] == ["neutral", "contradiction"]
    assert examples[1] == Example(
        {"text": "a cat", "text_pair": "a dog"}, "contradiction", 3
    )


def write_pairs(path, *, seed, count):
    rng = random.Random(seed)
    lines = ["index\tsentence1\tsentence2\tlabel"]
    for number in range(count):
        is_same = rng.random() < 0.5
        first, second = rng.sample(("cat", "dog", "film"), 2)
        lines.append(
            f"{number}\tthe {first} sat\tthe {first if is_same else second} ran\t"
            f"{'entailment' if is_same else 'not_entailment'}"
        )
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_pairs_are_learnt(bert, tmp_path):
    files = (
        write_pairs(tmp_path / "train.tsv", seed=1, count=320),
        write_pairs(tmp_path / "dev.tsv", seed=2, count=60),
    )
    config = config_of(
        bert, files, "pair_classification", num_epochs=7, learning_rate=1e-3
    )

    results = finetune_and_evaluate(config, str(tmp_path / "run"))

    assert results["accuracy"] > 0.9


def test_a_classifier_for_hugging_face_and_back(finetuned, tmp_path):
    pretrained = read_pretrained(finetuned[0])

    write_pretrained(pretrained, str(tmp_path / "new"), format="hugging_face")

    received = read_pretrained(str(tmp_path / "new"))
    assert received.labels == ("bad", "good")
    np.testing.assert_array_equal(
        received.weights["sequence_classifier/kernel"],
        pretrained.weights["sequence_classifier/kernel"],
    )
