"""Extracts of articles, from files to figures."""

import json
import random

import numpy as np
import pytest
import tensorflow as tf
from rouge_score.rouge_scorer import RougeScorer

from bert_tf.config import FinetuneConfig, TaskConfig
from bert_tf.errors import UserError
from bert_tf.tasks.answering import answer_examples, answer_function
from bert_tf.tasks.finetuned import load_finetuned
from bert_tf.tasks.summarisation import Summarisation
from bert_tf.tasks.task import Example
from bert_tf.training.finetune_lib import finetune_and_evaluate
from tests.tasks.made_bert import TOKENIZER, TOKENS, WORDS

CLS = TOKENS.index("[CLS]")


def write_articles(path, *, seed, count):
    """The three sentences about Paris are the summary."""
    rng = random.Random(seed)
    fillers = ("the", "a", "cat", "dog", "was", "very", "good", "sad", "mat", "film")
    lines = []
    for _ in range(count):
        sentences = [
            " ".join([*rng.choices(fillers, k=rng.randint(2, 6)), place])
            for place in ["paris"] * 3 + ["london"] * rng.randint(1, 5)
        ]
        rng.shuffle(sentences)
        summary = [each for each in sentences if each.endswith("paris")]
        lines.append(
            {
                "article": "".join(f"{each}. " for each in sentences),
                "summary": "\n".join(summary),
            }
        )
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("articles")
    return (
        write_articles(folder / "train.jsonl", seed=1, count=240),
        write_articles(folder / "dev.jsonl", seed=2, count=40),
    )


def config_of(bert, files, **overrides):
    return FinetuneConfig(
        **{
            "task": TaskConfig(name="summarisation", max_seq_length=32, doc_stride=16),
            "init_checkpoint": bert,
            "train_file": files[0],
            "eval_file": files[1],
            "train_batch_size": 16,
            "learning_rate": 3e-3,
            "num_epochs": 4,
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


def task_of(max_seq_length=32, doc_stride=16):
    config = TaskConfig(max_seq_length=max_seq_length, doc_stride=doc_stride)
    return Summarisation(config, TOKENIZER)


def score_words(**logits):
    """A model whose logit at a [CLS] is that of the word after it."""
    table = np.zeros(len(TOKENS), np.float32)
    for word, logit in logits.items():
        table[TOKENS.index(word)] = logit

    def model(inputs):
        ids = inputs["input_word_ids"]
        after = tf.concat([ids[:, 1:], tf.zeros_like(ids[:, :1])], axis=1)
        score = tf.where(ids == CLS, tf.gather(table, after), 9.0)
        return {"logits": tf.stack([tf.zeros_like(score), score], axis=-1)}

    return model


def answer(task, model, *texts):
    outputs = task.answer(model, {"text": tf.constant(texts)})
    outputs = {name: values.numpy() for name, values in outputs.items()}
    return outputs, [task.to_plain(outputs, row) for row in range(len(texts))]


def decoded(ids):
    return " ".join(TOKENS[number] for number in ids)


def test_it_learns(finetuned):
    _, results = finetuned

    assert results["rougeL"] > 0.9
    assert {"rouge1", "rouge2", "rougeL"} <= set(results)


def test_a_loaded_model_answers_as_it_was_evaluated(loaded, finetuned, files):
    task, model = loaded
    examples = task.read(files[1], {})

    answers = answer_examples(task, model, examples, batch_size=7)

    figures = task.metrics(answers, examples)
    assert figures == pytest.approx({name: finetuned[1][name] for name in figures})
    assert list(answers[0]) == ["summary", "sentences", "starts", "ends", "scores"]


def test_sentences_that_are_cut_are_counted():
    texts = ["Cat sat. " + "cat " * 30 + ".", "Cat sat. Dog ran.", ""]

    assert task_of().num_cut([Example({"text": text}) for text in texts]) == 1


def test_answers_do_not_depend_on_the_batch(loaded, files):
    task, model = loaded
    examples = [*task.read(files[1], {}), Example({"text": ""})]

    one_by_one = answer_examples(task, model, examples, batch_size=1)
    together = answer_examples(task, model, examples, batch_size=41)

    for alone, beside in zip(one_by_one, together, strict=True):
        assert alone["sentences"] == beside["sentences"]
        assert alone["starts"] == beside["starts"]
        np.testing.assert_allclose(alone["scores"], beside["scores"], atol=1e-5)


def test_the_best_three_in_the_order_of_the_text():
    text = "Bob sat. The cat ran. A dog sat. Alice ran. It sat."
    model = score_words(bob=-1, the=3, a=-2, alice=1, it=2)

    _, (received,) = answer(task_of(), model, text)

    assert received["summary"] == "The cat ran.\nAlice ran.\nIt sat."
    assert received["sentences"] == received["summary"].split("\n")
    sigmoid = [1 / (1 + np.exp(-logit)) for logit in (3, 1, 2)]
    np.testing.assert_allclose(received["scores"], sigmoid, rtol=1e-5)


def test_offsets_are_bytes_of_the_text():
    texts = [
        "Él comió café. Ça va?\r\n  Été à Paris... Ñu! Fin",
        "猫が座った。犬。\u3000最後の文",
        "a cat",
    ]

    outputs, plain = answer(task_of(), score_words(), *texts)

    assert outputs["starts"].dtype == outputs["ends"].dtype == np.int32
    assert outputs["sentences"].shape == outputs["scores"].shape == (3, 3)
    for text, received in zip(texts, plain, strict=True):
        assert received["sentences"] == [
            text.encode()[start:end].decode()
            for start, end in zip(received["starts"], received["ends"], strict=True)
        ]
    assert plain[0]["sentences"] == ["Él comió café.", "Ça va?", "Été à Paris..."]
    assert plain[1]["sentences"] == ["猫が座った。", "犬。", "最後の文"]
    assert plain[2]["sentences"] == ["a cat"]
    assert outputs["sentences"][2].tolist() == [b"a cat", b"", b""]
    assert outputs["ends"][2].tolist() == [5, 0, 0]


@pytest.mark.parametrize("texts", [[""], ["", " \n\t"], ["", "a cat. It sat."]])
def test_empty_articles(texts, loaded):
    task, model = loaded

    function = answer_function(task, model)
    outputs = {
        name: values.numpy() for name, values in function(text=tf.constant(texts)).items()
    }

    assert task.to_plain(outputs, 0) == {
        "summary": "",
        "sentences": [],
        "starts": [],
        "ends": [],
        "scores": [],
    }
    assert len(task.to_plain(outputs, len(texts) - 1)["sentences"]) == (
        2 if texts[-1].strip() else 0
    )


@pytest.mark.parametrize("doc_stride", [1, 5, 16, 31, 99])
def test_each_sentence_of_a_long_article_is_scored_once(doc_stride):
    rng = random.Random(0)
    sentences = [
        " ".join(rng.choices(WORDS[:20], k=rng.randint(1, 40))) for _ in range(60)
    ]
    task = task_of(doc_stride=doc_stride)
    others = [Example({"text": text}, "") for text in ("", "a cat", "the dog\nran")]
    examples = [Example({"text": "\n".join(sentences)}, ""), *others]

    rows = list(task.encode(examples))

    seen = []
    for row in rows:
        assert len(row["input_word_ids"]) <= 32
        judged = np.flatnonzero(row["label_weight"])
        assert set(row["input_word_ids"][judged]) == {CLS}
        for first in judged:
            words = decoded(row["input_word_ids"][first + 1 :]).split()
            end = words.index("[SEP]") if "[SEP]" in words else len(words)
            seen.append(" ".join(words[:end]))
    expected = [*sentences, "a cat", "the dog", "ran"]
    assert len(seen) == len(expected)
    for shown, sentence in zip(seen, expected, strict=True):
        assert sentence.startswith(shown)
        assert len(shown.split()) >= min(7, len(sentence.split()))


def test_the_last_of_many_windows_is_scored():
    sentences = ["the cat sat on a mat"] * 40
    sentences[2] = sentences[20] = sentences[39] = "good dog"

    _, (received,) = answer(task_of(), score_words(good=5), "\n".join(sentences))

    assert received["sentences"] == ["good dog"] * 3
    np.testing.assert_allclose(received["scores"], [1 / (1 + np.exp(-5))] * 3, rtol=1e-5)
    assert received["starts"][0] == 2 * 21


def test_rows():
    text = "The cat sat. Bob ran on! A dog?"

    (row,) = task_of().encode([Example({"text": text}, "Bob ran")])

    assert decoded(row["input_word_ids"]) == (
        "[CLS] the cat sat . [SEP] [CLS] bob ran on [UNK] [SEP] [CLS] a dog ? [SEP]"
    )
    np.testing.assert_array_equal(row["input_type_ids"], [0] * 6 + [1] * 6 + [0] * 5)
    np.testing.assert_array_equal(row["input_mask"], [1] * 17)
    np.testing.assert_array_equal(np.flatnonzero(row["label_weight"]), [0, 6, 12])
    np.testing.assert_array_equal(np.flatnonzero(row["label"]), [6])
    assert row["label"].dtype == row["input_word_ids"].dtype == np.int32
    assert row["label_weight"].dtype == np.float32


def test_a_long_sentence_is_cut():
    text = "cat " * 100 + "\na dog"

    (row,) = task_of(max_seq_length=128).encode([Example({"text": text}, "dog")])

    np.testing.assert_array_equal(np.flatnonzero(row["label_weight"]), [0, 66])


def test_loss_is_of_the_sentences_alone():
    task = task_of()
    batch = {
        "label": tf.constant([[1, 0, 0], [0, 0, 1]]),
        "label_weight": tf.constant([[1.0, 0, 1], [1, 0, 1]]),
        "weight": tf.constant([1.0, 0]),
    }
    logits = tf.constant([[[0, 2.0], [9, 0], [0, 0]], [[5.0, 0], [0, 0], [0, 0]]])

    sums = task.weighted_sums({"logits": logits}, batch)

    expected = np.log(1 + np.exp(-2)) + np.log(2)
    assert float(sums["loss"][0]) == pytest.approx(expected, rel=1e-5)
    assert float(sums["loss"][1]) == float(task.loss_weights(batch)["loss"]) == 2


def test_metrics_are_those_of_rouge_score():
    examples = [
        Example({}, "the cats sat on a mat\nit was running"),
        Example({}, "a dog"),
    ]
    answers = [{"summary": "it runs\nthe cat sat"}, {"summary": ""}]

    figures = task_of().metrics(answers, examples)

    # The words are "it run the cat sat": 5 of 5 received and of 9 expected.
    scorer = RougeScorer(["rouge1", "rouge2", "rougeLsum"], use_stemmer=True)
    scores = scorer.score(examples[0].target, answers[0]["summary"])
    assert figures["rouge1"] == pytest.approx(2 * 5 / 14 / 2)
    assert figures == pytest.approx(
        {
            "rouge1": scores["rouge1"].fmeasure / 2,
            "rouge2": scores["rouge2"].fmeasure / 2,
            "rougeL": scores["rougeLsum"].fmeasure / 2,
        }
    )


def test_an_article_without_summary_is_no_example_to_learn_from(bert, files, tmp_path):
    path = tmp_path / "dev.jsonl"
    path.write_text('{"article": "a cat"}\n')

    with pytest.raises(UserError, match=r"dev\.jsonl:1: expected a summary, received"):
        finetune_and_evaluate(config_of(bert, (files[0], str(path))), str(tmp_path / "a"))


def test_only_operations_that_tensorflow_serving_has(loaded):
    task, model = loaded
    function = tf.function(lambda text: task.answer(model, {"text": text}))

    graph = function.get_concrete_function(tf.TensorSpec([None], tf.string)).graph
    kinds = {operation.type for operation in graph.get_operations()}
    for each in graph.as_graph_def().library.function:
        kinds |= {node.op for node in each.node_def}

    assert "SentenceFragmentsV2" in kinds
    assert not kinds & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}


def test_the_oracle_finds_real_summaries(shared):
    path = shared / "data" / "summarisation" / "cnndm_sample.train.0.json"
    if not path.exists():
        pytest.skip("needs CNN/DailyMail")
    task = task_of(max_seq_length=64)
    examples = task.read(str(path), {})

    rows = list(task.encode(examples))

    assert 6 <= sum(row["label"].sum() for row in rows) <= 18
