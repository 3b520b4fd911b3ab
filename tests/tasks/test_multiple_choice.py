"""Choices between texts, from files to figures."""

import json
import random

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import BertConfig, FeatureConfig, FinetuneConfig, TaskConfig
from bert_tf.errors import UserError
from bert_tf.tasks.answering import answer_examples, answer_function
from bert_tf.tasks.finetuned import load_finetuned
from bert_tf.tasks.multiple_choice import MultipleChoice
from bert_tf.tasks.task import Example
from bert_tf.training.finetune_lib import finetune_and_evaluate
from bert_tf.training.row_batches import RowBatches
from tests.tasks.made_bert import TOKENIZER, TOKENS

ANIMALS = ("cat", "dog", "film", "mat", "bob", "alice")


def write_questions(path, *, seed, count):
    """The choice with the animal of the text is right, among two to four."""
    rng = random.Random(seed)
    lines = []
    for _ in range(count):
        others = rng.sample(ANIMALS, rng.randint(2, 4))
        label = rng.randrange(len(others))
        lines.append(
            {
                "text": f"the {others[label]} sat on it",
                "choices": [f"the {other} ran" for other in others],
                "label": label,
            }
        )
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    return (
        write_questions(folder / "train.jsonl", seed=1, count=400),
        write_questions(folder / "dev.jsonl", seed=2, count=60),
    )


def config_of(bert, files, **overrides):
    return FinetuneConfig(
        **{
            "task": TaskConfig(name="multiple_choice", max_seq_length=24),
            "init_checkpoint": bert,
            "train_file": files[0],
            "eval_file": files[1],
            "train_batch_size": 16,
            "learning_rate": 3e-3,
            "num_epochs": 3,
        }
        | overrides
    )


@pytest.fixture(scope="module")
def finetuned(bert, files, tmp_path_factory):
    workdir = str(tmp_path_factory.mktemp("finetuned"))
    return workdir, finetune_and_evaluate(config_of(bert, files), workdir)


@pytest.fixture(scope="module")
def loaded(finetuned):
    return load_finetuned(finetuned[0])


def task_of(max_seq_length=24):
    return MultipleChoice(TaskConfig(max_seq_length=max_seq_length), TOKENIZER)


def example(text, *choices, target=0):
    return Example({"text": text, "choices": list(choices)}, target, 1)


def decoded(ids):
    return " ".join(TOKENS[number] for number in ids if number)


def test_it_learns(finetuned):
    _, results = finetuned

    assert results["accuracy"] > 0.9
    assert results["num_examples"] == 60


def test_a_loaded_model_answers_as_it_was_evaluated(loaded, finetuned, files):
    task, model = loaded
    examples = task.read(files[1], {})

    answers = answer_examples(task, model, examples, batch_size=7)

    assert task.metrics(answers, examples)["accuracy"] == finetuned[1]["accuracy"]
    for answer, each in zip(answers, examples, strict=True):
        assert set(answer) == {"choice", "choice_text", "probabilities"}
        assert len(answer["probabilities"]) == len(each.inputs["choices"])
        assert sum(answer["probabilities"]) == pytest.approx(1)
        assert answer["choice"] == np.argmax(answer["probabilities"])
        assert answer["choice_text"] == each.inputs["choices"][answer["choice"]]


def test_answers_do_not_depend_on_the_batch(loaded, files):
    task, model = loaded
    examples = task.read(files[1], {})

    one_by_one = answer_examples(task, model, examples, batch_size=1)
    together = answer_examples(task, model, examples, batch_size=60)

    for alone, beside in zip(one_by_one, together, strict=True):
        assert alone["choice"] == beside["choice"]
        np.testing.assert_allclose(
            alone["probabilities"], beside["probabilities"], atol=1e-5
        )


def test_what_fills_up_is_never_chosen(loaded):
    task, model = loaded
    choices = [["the cat ran", "the dog ran", ""], ["", "a mat", "the bob ran"], [""] * 3]

    outputs = answer_function(task, model)(
        text=tf.constant(["the dog sat on it"] * 3), choices=tf.constant(choices)
    )

    assert outputs["choice"].dtype == tf.int32
    choice = outputs["choice"].numpy()
    assert choices[0][choice[0]] and choices[1][choice[1]]
    assert outputs["choice_text"].numpy().tolist() == [
        own[number].encode() for own, number in zip(choices, choice, strict=True)
    ]
    probabilities = outputs["probabilities"].numpy()
    np.testing.assert_array_equal(probabilities == 0, np.array(choices) == "")
    np.testing.assert_allclose(probabilities.sum(axis=1), [1, 1, 0], atol=1e-6)


def test_a_hopeless_choice_is_told_from_padding():
    task = task_of()

    def model(inputs):
        return {"logits": tf.constant([[[300.0], [-300.0], [500.0]]])}

    inputs = {"text": tf.constant(["a"]), "choices": tf.constant([["a", "cat", ""]])}
    outputs = {name: each.numpy() for name, each in task.answer(model, inputs).items()}

    answer = task.to_plain(outputs, 0)
    assert answer["choice"] == 0
    assert answer["probabilities"] == pytest.approx([1, 0])


def test_rows():
    task = task_of()
    examples = [
        example("the cat sat", "it ran", "a very very good mat", target=1),
        example("bob", "ran", "sat", "is", target=2),
    ]

    first, second = task.encode(examples)

    assert [decoded(ids) for ids in first["input_word_ids"]] == [
        "[CLS] the cat sat [SEP] it ran [SEP]",
        "[CLS] the cat sat [SEP] a very very good mat [SEP]",
    ]
    assert first["input_word_ids"].shape == (2, 11)
    assert second["input_word_ids"].shape == (3, 5)
    np.testing.assert_array_equal(first["input_mask"].sum(axis=1), [8, 11])
    np.testing.assert_array_equal(second["input_type_ids"], [[0, 0, 0, 1, 1]] * 3)
    assert (first["label"], second["label"]) == (1, 2)
    assert first["label"].dtype == np.int32 and first["label"].shape == ()
    assert first["weight"] == 1


def test_loss_and_accuracy_leave_padding_out():
    task = task_of()
    rows = list(task.encode([example("a", "cat", "dog"), example("a", *ANIMALS)]))
    batch = next(iter(RowBatches(rows, batch_size=2, pad_id=0, seed=0).epoch(0)))
    short = int(np.argmin(batch["input_mask"].numpy().sum(axis=(1, 2))))
    logits = np.tile(np.arange(6, dtype=np.float32), (2, 1))  # more for what is no choice
    logits[short, :2] = 3, 1

    sums = task.weighted_sums({"logits": tf.constant(logits[:, :, None])}, batch)

    def cross_entropy(logits):
        return np.log(np.exp(logits).sum()) - logits[0]

    expected = cross_entropy(logits[short, :2]) + cross_entropy(logits[1 - short])
    assert float(sums["loss"][0]) == pytest.approx(expected, rel=1e-5)
    assert float(sums["accuracy"][0]) == 1
    assert float(sums["loss"][1]) == float(task.loss_weights(batch)["loss"]) == 2


def test_gradients_of_examples_with_padding_are_finite():
    task = task_of()
    config = BertConfig(
        vocab_size=len(TOKENS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=24,
    )
    model = task.make_model(config, FeatureConfig())
    rows = list(task.encode([example("a", "cat", "dog"), example("a", *ANIMALS)]))
    batch = next(iter(RowBatches(rows, batch_size=3, pad_id=0, seed=0).epoch(0)))

    with tf.GradientTape() as tape:
        loss, _ = task.weighted_sums(model(batch, training=True), batch)["loss"]
    gradients = tape.gradient(loss, model.trainable_variables)

    assert all(
        np.isfinite(tf.convert_to_tensor(each)).all()
        for each in gradients
        if each is not None
    )


def test_examples_that_are_cut_are_counted():
    task = task_of(max_seq_length=8)
    examples = [
        example("the cat sat", "it ran", "it"),  # 8 tokens at most
        example("the cat sat", "it", "it ran on"),
        example("the cat sat on a mat", "it", "it ran", "a"),
    ]

    assert task.num_cut(examples) == 2
    assert task.num_cut(examples[:1]) == 0


def test_an_example_without_label_is_no_example_to_learn_from(bert, files, tmp_path):
    path = tmp_path / "dev.jsonl"
    path.write_text(json.dumps({"text": "a", "choices": ["cat", "dog"]}) + "\n")

    with pytest.raises(UserError, match=r"dev\.jsonl:1: expected the label of the right"):
        finetune_and_evaluate(config_of(bert, (files[0], str(path))), str(tmp_path / "a"))


def test_accuracy_is_the_share_of_right_choices():
    examples = [example("a", "b", "c", target=number) for number in (0, 1, 1, 0)]

    figures = task_of().metrics([{"choice": n} for n in (0, 1, 0, 0)], examples)

    assert figures == {"accuracy": 0.75}
