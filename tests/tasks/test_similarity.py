"""How alike texts are, from files to figures."""

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import FeatureConfig, FinetuneConfig, TaskConfig
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints.formats import read_pretrained
from bert_tf.modeling.checkpoints.pretrained import assign
from bert_tf.tasks.answering import answer_examples
from bert_tf.tasks.finetuned import load_finetuned
from bert_tf.tasks.similarity import Similarity
from bert_tf.tasks.task import Example
from bert_tf.training.finetune_lib import finetune_and_evaluate
from tests.tasks.made_bert import TOKENIZER, TOKENS
from tests.tasks.test_regression import write_pairs


def config_of(bert, tmp_path, **overrides):
    return FinetuneConfig(
        **{
            "task": TaskConfig(name="similarity", max_seq_length=32),
            "init_checkpoint": bert,
            "train_file": write_pairs(tmp_path / "train.tsv", seed=1, count=96),
            "eval_file": write_pairs(tmp_path / "dev.tsv", seed=2, count=40),
            "train_batch_size": 8,
            "learning_rate": 1e-3,
        }
        | overrides
    )


def test_the_cosine_of_the_means(bert):
    pretrained = read_pretrained(bert)
    task = Similarity(TaskConfig(max_seq_length=32), TOKENIZER)
    model = task.make_model(pretrained.config, FeatureConfig())
    assign(model, pretrained)
    texts = ("the cat sat on the mat", "a dog")

    def vector(text):
        ids = np.array([[2, *(TOKENS.index(word) for word in text.split()), 3]], "int32")
        outputs = model.bert(
            {
                "input_word_ids": ids,
                "input_mask": np.ones_like(ids),
                "input_type_ids": np.zeros_like(ids),
            }
        )
        return outputs["sequence_output"].numpy()[0].mean(axis=0)

    first, second = map(vector, texts)
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    examples = [
        Example({"text": texts[0], "text_pair": texts[1]}),
        Example({"text": texts[0], "text_pair": texts[0]}),
        Example({"text": "", "text_pair": ""}),
    ]

    answers = answer_examples(task, model, examples, batch_size=3)

    scores = [answer["score"] for answer in answers]
    assert scores == pytest.approx([cosine, 1, 1], abs=1e-5)


def test_training_moves_the_cosines_to_the_scores(bert, tmp_path):
    before = finetune_and_evaluate(
        config_of(bert, tmp_path, num_epochs=0), str(tmp_path / "before")
    )
    after = finetune_and_evaluate(config_of(bert, tmp_path), str(tmp_path / "after"))

    assert before["epoch"] == 0
    assert after["pearson"] > before["pearson"] + 0.1


def test_an_encoder_that_stays_as_it_is_needs_no_training(bert, tmp_path):
    config = config_of(bert, tmp_path, features=FeatureConfig(frozen=True))

    with pytest.raises(UserError, match="frozen: expected a task with a head to train"):
        finetune_and_evaluate(config, str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("combination", ["concat", "sum"])
def test_the_cosine_of_chosen_layers(bert, combination):
    pretrained = read_pretrained(bert)
    task = Similarity(TaskConfig(max_seq_length=32), TOKENIZER)
    features = FeatureConfig(
        frozen=True, layers=(-1, 0), combination=combination, pooling="mean"
    )
    model = task.make_model(pretrained.config, features)
    assign(model, pretrained)
    assert not model.trainable_variables
    inputs = {"text": ["the cat sat"], "text_pair": ["a dog"]}
    packed = task.pack({name: tf.constant(values) for name, values in inputs.items()})
    vectors = []
    for row in range(2):
        length = packed["input_mask"].numpy()[0, row].sum()
        outputs = model.bert({name: ids[:, row, :length] for name, ids in packed.items()})
        layers = [outputs["encoder_outputs"][layer] for layer in (-1, 0)]
        values = sum(layers) if combination == "sum" else tf.concat(layers, axis=-1)
        vectors.append(np.mean(values[0], axis=0))
    first, second = vectors
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)

    (answer,) = answer_examples(
        task,
        model,
        [Example({name: values[0] for name, values in inputs.items()})],
        batch_size=1,
    )

    assert answer["score"] == pytest.approx(cosine, abs=1e-5)


def test_chosen_layers_of_an_encoder_that_stays_as_it_is(bert, tmp_path):
    features = FeatureConfig(frozen=True, pooling="mean")
    config = config_of(bert, tmp_path, features=features, num_epochs=0)

    figures = finetune_and_evaluate(config, str(tmp_path / "run"))
    task, model = load_finetuned(str(tmp_path / "run"))

    assert figures["epoch"] == 0
    num_layers = model.config.num_hidden_layers
    assert model.features.layers == tuple(range(-1, -min(4, num_layers) - 1, -1))
    answers = answer_examples(
        task, model, task.read_labelled(config.eval_file, {}), batch_size=8
    )
    assert task.metrics(answers, task.read_labelled(config.eval_file, {})) == {
        name: figures[name] for name in ("pearson", "spearman")
    }


def test_texts_that_are_cut_are_counted_one_by_one():
    task = Similarity(TaskConfig(max_seq_length=8), TOKENIZER)
    examples = [Example({"text": "a " * 6, "text_pair": "a " * 7}, 1.0)]

    assert task.num_cut(examples) == 1
