"""Texts from texts, from files to figures."""

import json
import random

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import FeatureConfig, FinetuneConfig, Sampling, TaskConfig
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import Vocabulary
from bert_tf.errors import UserError
from bert_tf.serving.servable import load_servable
from bert_tf.tasks.answering import answer_examples, answer_function
from bert_tf.tasks.finetuned import load_finetuned
from bert_tf.tasks.seq2seq import Seq2Seq, join_pieces
from bert_tf.tasks.task import Example
from bert_tf.training.finetune_lib import finetune_and_evaluate
from tests.tasks.made_bert import TOKENIZER, TOKENS
from tests.test_cli import run


def write_reversed(path, *, seed, count):
    rng = random.Random(seed)
    lines = ["source\ttarget"]
    for _ in range(count):
        words = rng.choices(("cat", "dog", "mat", "film"), k=rng.randint(1, 4))
        lines.append(f"{' '.join(words)}\t{' '.join(reversed(words)).upper()}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    return (
        write_reversed(folder / "train.tsv", seed=1, count=400),
        write_reversed(folder / "dev.tsv", seed=2, count=40),
    )


@pytest.fixture(scope="module")
def finetuned(bert, pairs, tmp_path_factory):
    workdir = str(tmp_path_factory.mktemp("finetuned"))
    config = FinetuneConfig(
        task=TaskConfig(name="seq2seq", max_seq_length=8),
        init_checkpoint=bert,
        train_file=pairs[0],
        eval_file=pairs[1],
        train_batch_size=16,
        learning_rate=3e-3,
        num_epochs=12,
    )
    return workdir, finetune_and_evaluate(config, workdir)


@pytest.fixture(scope="module")
def made_task():
    tokens = (*TOKENS, "i", "_", "jump", "'", "don", "t")
    tokenizer = BertTokenizer(Vocabulary(tokens), lower_case=True)
    return Seq2Seq(TaskConfig(name="seq2seq", max_seq_length=8), tokenizer)


def test_it_learns(finetuned):
    _, results = finetuned

    assert results["exact_match"] > 0.9
    assert results["rougeL"] >= results["exact_match"]
    assert 0.9 < results["bleu"] <= 1


def test_a_loaded_model_answers_as_it_was_evaluated(finetuned, pairs):
    workdir, results = finetuned
    task, model = load_finetuned(workdir)
    examples = task.read(pairs[1], {})

    answers = answer_examples(task, model, examples, batch_size=7)

    figures = task.metrics(answers, examples)
    assert figures == {name: results[name] for name in figures}
    assert set(answers[0]) == {"generated", "score"}


@pytest.mark.parametrize("sampler", ["greedy", "beam", "top_p"])
def test_an_exported_model_answers_the_same(finetuned, tmp_path, sampler):
    task, model = load_finetuned(finetuned[0], sampling=Sampling(sampler))
    assert task.sampling == Sampling(sampler)
    texts = tf.constant(["Cat dog film", "mat", "", "dog dog unheard-of cat mat mat"])
    expected = answer_function(task, model)(text=texts)
    module = tf.Module()
    module.model, module.tokenizer = model, task.tokenizer
    module.answer = tf.function(
        lambda text: task.answer(model, {"text": text}),
        input_signature=[tf.TensorSpec([None], tf.string, "text")],
        autograph=False,
    )

    tf.saved_model.save(module, str(tmp_path), signatures=module.answer)

    served = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    received = served(text=texts)
    np.testing.assert_array_equal(received["generated"], expected["generated"])
    np.testing.assert_allclose(received["score"], expected["score"], rtol=1e-5)
    assert expected["generated"][0] == b"film dog cat"
    # Servers without XLA can run it.
    graph = served.graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    assert not [node.op for node in nodes if "Xla" in node.op]


def test_the_programs_write_as_they_are_told(finetuned, pairs, tmp_path):
    workdir, _ = finetuned
    (tmp_path / "in.txt").write_text("cat dog film\n")

    evaluated = run(
        "bert_tf.evaluate",
        *(
            f"--workdir={workdir}",
            f"--eval_file={pairs[1]}",
            "--sampling=beam,num_beams=3",
        ),
    )
    answered = run(
        "bert_tf.predict",
        *(
            f"--workdir={workdir}",
            f"--input={tmp_path}/in.txt",
            "--sampling=beam,num_beams=3",
        ),
    )

    sampling = Sampling("beam", num_beams=3)
    task, model = load_finetuned(workdir, sampling=sampling)
    assert load_servable(workdir, sampling=sampling).task.sampling == task.sampling
    examples = task.read(pairs[1], {})
    answers = answer_examples(task, model, examples, batch_size=64)
    figures = task.metrics(answers, examples)
    assert json.loads(evaluated.stdout) == figures | {"num_examples": 40}
    text = tf.constant(["cat dog film"])
    score = answer_function(task, model)(text=text)["score"][0].numpy()
    assert json.loads(answered.stdout)["score"] == pytest.approx(score)


def test_answers_do_not_depend_on_the_batch(finetuned, pairs):
    task, model = load_finetuned(finetuned[0])
    examples = task.read(pairs[1], {})[:8]

    one_by_one = answer_examples(task, model, examples, batch_size=1)
    together = answer_examples(task, model, examples, batch_size=8)

    for alone, beside in zip(one_by_one, together, strict=True):
        assert alone["generated"] == beside["generated"]
        assert alone["score"] == pytest.approx(beside["score"], abs=1e-4)


def test_rows_of_examples(made_task):
    ids = made_task.tokenizer.vocabulary.ids
    examples = [
        Example({"text": "the cats"}, "Cats"),
        Example({"text": "a"}, "cat " * 20),
    ]

    short, long = made_task.encode(examples)

    tokens = ["[CLS]", "the", "cat", "##s", "[SEP]"]
    assert short["input_word_ids"].tolist() == [ids[token] for token in tokens]
    assert short["target_ids"].tolist() == [ids[token] for token in tokens[2:]]
    assert short["target_ids"].dtype == np.int32
    assert short["target_weights"].tolist() == [1, 1, 1]
    assert short["target_weights"].dtype == np.float32
    assert long["target_ids"].tolist() == [ids["cat"]] * 7 + [ids["[SEP]"]]
    assert made_task.num_cut(examples) == 1
    assert made_task.num_cut([Example({"text": "cat " * 6}, "a")]) == 0
    assert made_task.num_cut([Example({"text": "cat " * 7})]) == 1


def test_padding_has_no_loss(made_task):
    rng = np.random.default_rng(0)
    logits = tf.constant(rng.normal(size=[2, 3, 5]).astype("float32"))
    batch = {
        "target_ids": tf.constant([[4, 3, 0], [1, 2, 3]]),
        "target_weights": tf.constant([[1.0, 1, 0], [1, 1, 1]]),
        "weight": tf.constant([1.0, 0.0]),
    }

    total, weight = made_task.weighted_sums({"logits": logits}, batch)["loss"]

    of_tokens = -tf.nn.log_softmax(logits).numpy()
    np.testing.assert_allclose(total, of_tokens[0, 0, 4] + of_tokens[0, 1, 3], rtol=1e-6)
    assert weight == 2
    assert made_task.loss_weights(batch)["loss"] == 2


def test_pieces_are_joined_as_targets_are_normalised(made_task):
    texts = ["I_JUMP, the Cats!", "don't  sadly", ""]
    normal = made_task.normalise(texts)
    assert normal == ["i _ jump , the cats !", "don ' t sadly", ""]

    ids = made_task.tokenizer.tokenize(["I_JUMP, the Cats", *texts[1:]])
    vocabulary = made_task.tokenizer.vocabulary
    ended = tf.concat([ids, tf.fill([3, 1], vocabulary.sep_id)], axis=1).to_tensor(7)

    joined = join_pieces(ended, vocabulary).numpy().tolist()

    assert joined == [b"i _ jump , the cats", b"don ' t sadly", b""]


def test_metrics(made_task):
    examples = [Example({}, text) for text in ("A cat sat.", "the DOG ran on", "bob")]
    answers = [{"generated": text} for text in ("a cat sat .", "the dog sat on", "alice")]

    figures = made_task.metrics(answers, examples)

    assert figures["exact_match"] == pytest.approx(1 / 3)
    assert figures["rougeL"] == pytest.approx((1 + 3 / 4 + 0) / 3)
    # Of 9, 6, 4 and 2 n-grams 7, 4, 2 and 1 are right.
    assert figures["bleu"] == pytest.approx((7 / 9 * 4 / 6 * 2 / 4 * 1 / 2) ** 0.25)


def test_a_decoder_keeps_its_own_weights(made_task):
    bert, own = np.zeros(3), np.ones(3)
    weights = {"bert/layer_0/output/bias": bert, "bert/layer_1/output/bias": bert}

    begun = made_task.warm_start(weights | {"decoder/layer_1/output/bias": own})

    assert set(begun) == {
        *weights,
        "decoder/layer_0/output/bias",
        "decoder/layer_1/output/bias",
    }
    assert begun["decoder/layer_0/output/bias"] is bert
    assert begun["decoder/layer_1/output/bias"] is own


@pytest.mark.parametrize("combination", ["concat", "sum"])
def test_the_decoder_sees_the_layers_that_are_chosen(
    finetuned, pairs, combination, tmp_path, caplog
):
    features = FeatureConfig(
        frozen=True, layers=(-1, 0), combination=combination, pooling="mean"
    )
    config = FinetuneConfig(
        task=TaskConfig(name="seq2seq", max_seq_length=8),
        features=features,
        init_checkpoint=finetuned[0],  # whose decoder sees the last layer
        train_file=pairs[0],
        eval_file=pairs[1],
        learning_rate=3e-3,
        num_epochs=1,
    )
    caplog.set_level("INFO", logger="absl")
    workdir = str(tmp_path / "run")
    finetune_and_evaluate(config, workdir)

    assert "has learnt from others; it is left out." in caplog.text
    task, model = load_finetuned(workdir)
    assert model.features == features
    width = model.decoder.decoder_layers[0].cross_attention.key.kernel.shape[0]
    assert width == model.config.hidden_size * (2 if combination == "concat" else 1)
    texts = ["cat dog", "mat"]
    examples = [Example({"text": text}) for text in texts]
    answers = answer_examples(task, model, examples, batch_size=2)
    expected = answer_function(task, model)(text=tf.constant(texts))
    for row, answer in enumerate(answers):
        assert answer["generated"] == expected["generated"].numpy()[row].decode()
        assert np.isfinite(answer["score"])


def test_texts_without_targets_are_not_learnt_from(tmp_path):
    (tmp_path / "test.tsv").write_text("source\njump twice\n")
    path = str(tmp_path / "test.tsv")

    assert Seq2Seq.read(path, {}) == [Example({"text": "jump twice"}, None, 2)]
    with pytest.raises(UserError, match=r"test\.tsv:2: expected a target, received none"):
        Seq2Seq.read_labelled(path, {})


@pytest.mark.parametrize(
    ("line", "expected"), [("IN: jump OUT: I_JUMP", True), ("IN: jump", False)]
)
def test_lines_of_scan_are_told_from_texts(line, expected):
    assert Seq2Seq(TaskConfig(), TOKENIZER).are_examples([line]) is expected
