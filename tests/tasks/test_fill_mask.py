"""How well a masked language model knows a text, and what it fills in."""

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import FeatureConfig, FinetuneConfig, TaskConfig
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints.formats import read_pretrained
from bert_tf.modeling.checkpoints.pretrained import assign
from bert_tf.tasks.answering import answer_examples
from bert_tf.tasks.fill_mask import FillMask, _choose
from bert_tf.tasks.raw_text import answer_inputs
from bert_tf.tasks.sequences import pack_texts
from bert_tf.tasks.task import Example
from bert_tf.training.finetune_lib import finetune_and_evaluate
from tests.tasks.made_bert import TOKENIZER, TOKENS

TEXTS = ("the cat sat on the mat . " * 3, "a dog ran", "the film was very good " * 4, "")


@pytest.fixture(scope="module")
def task_and_model(bert):
    task = FillMask(TaskConfig(name="fill_mask", max_seq_length=64), TOKENIZER)
    pretrained = read_pretrained(bert)
    model = task.make_model(pretrained.config, FeatureConfig())
    assign(model, pretrained)
    return task, model


def test_a_share_of_the_tokens_is_masked_and_judged(task_and_model):
    task, model = task_and_model
    words = " ".join(np.random.default_rng(0).choice(TOKENS[5:40], 50))
    examples = [Example({"text": f"{words} {number}"}) for number in range(40)]

    answers = answer_examples(task, model, examples, batch_size=16)

    num_masked = sum(answer["num_masked"] for answer in answers)
    # 40 * 51 tokens, each with a probability of 0.15: four standard deviations.
    assert num_masked == pytest.approx(306, abs=4 * (2040 * 0.15 * 0.85) ** 0.5)
    figures = task.metrics(answers, examples)
    loss = sum(answer["loss"] for answer in answers)
    assert figures["perplexity"] == pytest.approx(np.exp(loss / num_masked))
    # Of random weights about that of the vocabulary's size.
    assert 10 < figures["perplexity"] < 1000


def test_the_masks_of_a_text_are_its_own(task_and_model):
    task, model = task_and_model
    examples = [Example({"text": text}) for text in TEXTS]

    alone = answer_examples(task, model, examples, batch_size=1)
    together = answer_examples(task, model, examples, batch_size=4)

    for one, other in zip(alone, together, strict=True):
        assert one["num_masked"] == other["num_masked"]
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-4)


def test_the_loss_is_the_models(task_and_model):
    task, model = task_and_model
    outputs = task.answer(model, {"text": tf.constant(TEXTS[:1])})
    packed = pack_texts(task, {"text": tf.constant(TEXTS[:1])})
    (positions,) = np.nonzero(_choose(tf.constant(TEXTS[:1]), packed["input_mask"])[0])
    ids = packed["input_word_ids"].numpy()
    labels = ids[0, positions]
    assert len(positions) == outputs["num_masked"][0]
    assert not set(labels) & {2, 3}  # neither [CLS] nor [SEP]
    masked = ids.copy()
    masked[0, positions] = 4
    logits = model(
        packed | {"input_word_ids": masked, "masked_lm_positions": positions[None]}
    )["masked_lm_logits"][0]
    log_probabilities = tf.nn.log_softmax(logits).numpy()
    expected = -log_probabilities[np.arange(len(labels)), labels].sum()
    assert float(outputs["loss"][0]) == pytest.approx(expected, abs=1e-4)


def test_raw_text_is_filled_in(task_and_model):
    task, model = task_and_model
    inputs = [{"text": "the [MASK] sat"}, {"text": "a dog"}]

    first, second = answer_inputs(task, model, inputs, path="-", batch_size=2)

    assert first["text"] == "the [MASK] sat"
    ((*candidates,),) = first["masks"]
    assert len(candidates) == 5
    assert all(token in TOKENS and 0 < p < 1 for token, p in candidates)
    assert second["masks"] == []


def test_a_checkpoint_without_the_head_is_refused(bert, tmp_path):
    (tmp_path / "lines.txt").write_text("the cat\n")
    config = FinetuneConfig(
        task=TaskConfig(name="fill_mask", max_seq_length=16),
        init_checkpoint=bert,
        eval_file=str(tmp_path / "lines.txt"),
        num_epochs=0,
    )

    with pytest.raises(UserError, match=r"Expected masked_lm/.* the head that fill_mask"):
        finetune_and_evaluate(config, str(tmp_path / "run"))


def test_it_is_trained_elsewhere(task_and_model):
    with pytest.raises(UserError, match=r"train it with bert_tf\.pretrain"):
        task_and_model[0].encode([])


def test_lines_of_a_file(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("a\n\n b \n")

    assert FillMask.read(str(path), {}) == [
        Example({"text": "a"}, line=1),
        Example({"text": " b "}, line=3),
    ]
    path.write_text("\n")
    with pytest.raises(UserError, match="received an empty file"):
        FillMask.read(str(path), {})
    with pytest.raises(UserError, match="--columns: expected none"):
        FillMask.read(str(path), {"text": "a"})
