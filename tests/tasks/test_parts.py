"""Batches that are computed in parts, each as wide as its longest row."""

import keras
import numpy as np
import pytest

from bert_tf.config import FeatureConfig, TaskConfig
from bert_tf.modeling.checkpoints.formats import read_pretrained
from bert_tf.modeling.checkpoints.pretrained import assign
from bert_tf.tasks.registry import task_class
from bert_tf.tasks.task import Example
from bert_tf.training.row_batches import RowBatches, trim
from bert_tf.training.trainer import Trainer
from tests.tasks.made_bert import TOKENIZER, WORDS
from tests.training.ten_steps import make_optimizer, weights_of


def texts(rng, count):
    """Of one word to thirty."""
    return [" ".join(rng.choice(WORDS[:30], rng.integers(1, 31))) for _ in range(count)]


def example(name, rng):
    text, other = texts(rng, 2)
    number = int(rng.integers(2))
    if name == "tagging":
        words = text.split()
        return Example({"words": words}, [str(len(word) % 2) for word in words])
    if name == "multiple_choice":
        choices = texts(rng, 3 + number)
        return Example({"text": "the cat", "choices": choices}, number)
    return Example({"text": text}, other)


@pytest.mark.parametrize("name", ["tagging", "multiple_choice", "seq2seq"])
def test_parts_teach_what_the_whole_batch_does(name, bert):
    rng = np.random.default_rng(0)
    examples = [example(name, rng) for _ in range(30)]
    task_type = task_class(name)
    labels = ("0", "1") if name == "tagging" else ()
    task = task_type(TaskConfig(name, max_seq_length=40, labels=labels), TOKENIZER)
    batches = RowBatches(list(task.encode(examples)), batch_size=16, pad_id=0, seed=0)
    pretrained = read_pretrained(bert)
    weights = []
    for options in ({}, {"num_microbatches": 4, "trim": trim}):
        keras.utils.set_random_seed(0)
        model = task.make_model(pretrained.config, FeatureConfig())
        assign(model, pretrained)
        trainer = Trainer(model, task, seed=0, **options)
        trainer.compile(make_optimizer("sgd"))
        before = weights_of(trainer)

        trainer.fit(batches.epoch(0), verbose=0, shuffle=False)

        weights.append(weights_of(trainer))

    whole, in_parts = weights
    assert any((before[path] != whole[path]).any() for path in whole)
    for path, values in whole.items():
        np.testing.assert_allclose(in_parts[path], values, atol=2e-6, err_msg=path)
