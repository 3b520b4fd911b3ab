"""What is written is what the model says, and a run does not notice."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import InputConfig
from bert_tf.data.input_pipeline import eval_dataset
from bert_tf.data.manifest import load_manifest
from bert_tf.modeling.checkpoints.run_dir import (
    EVENTS_DIR,
    METRICS_FILE,
    PREDICTIONS_FILE,
    load_run,
)
from bert_tf.training import callbacks, train_lib
from bert_tf.training.metrics_log import read_lines
from bert_tf.training.phases import Phase
from bert_tf.training.train_lib import train_and_evaluate
from bert_tf.training.write_predictions import (
    NUM_ANSWERS,
    NUM_SENTENCES,
    first_masks,
    format_sentence,
)
from tests.made_data import VOCABULARY, write_data_set, write_unmasked
from tests.training.test_interruptions import MEASURED
from tests.training.test_train_lib import make_config, weights_of


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_data_set(folder)
    return str(folder)


def steps_and_sentences(workdir):
    lines = read_lines(str(workdir / PREDICTIONS_FILE))
    return {line["step"]: line["sentences"] for line in lines}


@pytest.mark.parametrize("strategy", ["none", "mirrored"])
def test_the_lines_are_what_the_saved_model_says(data_dir, tmp_path, strategy):
    train_and_evaluate(make_config(data_dir, strategy=strategy), str(tmp_path))

    found = steps_and_sentences(tmp_path)
    assert list(found) == [6, 12]
    model, _, _ = load_run(str(tmp_path))
    examples = list(eval_dataset(load_manifest(data_dir), batch_size=1))
    for before, sentence, example in zip(found[6], found[12], examples, strict=False):
        assert before["top"] != sentence["top"]
        for name in ("tokens", "position", "label"):
            assert before[name] == sentence[name]
        position = sentence["position"]
        assert sentence["tokens"][position] == "[MASK]"
        assert VOCABULARY.ids[sentence["label"]] == 6 + position  # as the data are made
        at_mask = example | {"masked_lm_positions": tf.constant([[position]])}
        logits = model(at_mask)["masked_lm_logits"][0, 0]
        expected = tf.math.top_k(tf.nn.softmax(logits), NUM_ANSWERS)
        tokens, probabilities = zip(*sentence["top"], strict=True)
        assert list(tokens) == [VOCABULARY.tokens[index] for index in expected.indices]
        np.testing.assert_allclose(probabilities, expected.values, atol=1e-4)
        of_label = tf.nn.softmax(logits)[VOCABULARY.ids[sentence["label"]]]
        assert sentence["label_probability"] == pytest.approx(float(of_label), abs=1e-4)
    assert len(found[12]) == NUM_SENTENCES
    (path,) = (tmp_path / EVENTS_DIR / "predictions").iterdir()
    shown = {
        (event.step, value.tag): tf.make_ndarray(value.tensor).item()
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    expected = {}
    for step, sentences in found.items():
        for number, sentence in enumerate(sentences, start=1):
            text = format_sentence(sentence).encode()
            expected[step, f"sentence_{number}"] = text
            name = f"label_probability/sentence_{number}"
            expected[step, name] = pytest.approx(sentence["label_probability"])
    assert shown == expected


def test_a_run_is_the_same_without(data_dir, tmp_path, monkeypatch):
    config = make_config(data_dir)
    train_and_evaluate(config, str(tmp_path / "with"))
    monkeypatch.setattr(train_lib.WritePredictions, "write", lambda self: None)
    train_and_evaluate(config, str(tmp_path / "without"))

    for one, other in zip(
        weights_of(tmp_path / "with"), weights_of(tmp_path / "without"), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    one, other = (
        [
            {name: value for name, value in line.items() if name not in MEASURED}
            for line in read_lines(str(tmp_path / name / METRICS_FILE))
        ]
        for name in ("with", "without")
    )
    assert one == other


def test_nothing_random_is_used(data_dir):
    def next_random():
        return float(tf.random.uniform([])), float(np.random.uniform())

    keras.utils.set_random_seed(1)
    expected = next_random()
    keras.utils.set_random_seed(1)
    first_masks(phase_of(data_dir), VOCABULARY.mask_id)
    assert next_random() == expected


def test_each_evaluation_and_the_last_step_are_written_once(
    data_dir, tmp_path, monkeypatch
):
    class Interrupted(Exception):
        pass

    def stop(self, logs=None):
        raise Interrupted

    config = make_config(data_dir, num_train_steps=9)
    train_and_evaluate(config, str(tmp_path / "whole"))
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(callbacks.WriteMetrics, "on_test_end", stop)
        train_and_evaluate(config, str(tmp_path / "cut"))
    assert list(steps_and_sentences(tmp_path / "cut")) == [6]

    train_and_evaluate(config, str(tmp_path / "cut"))

    assert list(steps_and_sentences(tmp_path / "whole")) == [6, 9]
    whole, cut = (
        (tmp_path / name / PREDICTIONS_FILE).read_text() for name in ("whole", "cut")
    )
    assert whole == cut


def test_each_phase_has_its_own_sentences(data_dir, tmp_path):
    write_data_set(tmp_path / "long", max_seq_length=12)
    config = make_config(
        data_dir,
        num_long_steps=6,
        long_input=InputConfig(data_dir=str(tmp_path / "long"), train_batch_size=10),
    )

    train_and_evaluate(config, str(tmp_path / "run"))

    short, long = steps_and_sentences(tmp_path / "run").values()
    assert max(len(sentence["tokens"]) for sentence in long) <= 12
    assert max(len(sentence["tokens"]) for sentence in short) > 12


def phase_of(data_dir):
    manifest = load_manifest(data_dir)
    return Phase(manifest, manifest, InputConfig(data_dir, eval_batch_size=3), 0, 1)


def test_the_first_mask_of_each_sentence_that_has_one(tmp_path):
    write_unmasked(tmp_path / "data")
    phase = phase_of(str(tmp_path / "data"))
    expected = []
    for example in eval_dataset(phase.manifest, batch_size=1):
        ids, positions, weights = (
            example[name][0].numpy()
            for name in ("input_word_ids", "masked_lm_positions", "masked_lm_weights")
        )
        hidden = positions[(weights > 0) & (ids[positions] == VOCABULARY.mask_id)]
        if len(hidden):
            expected.append((ids.tolist(), hidden.min()))

    found = first_masks(phase, VOCABULARY.mask_id)

    assert [
        (mask["input_word_ids"].tolist(), *mask["masked_lm_positions"]) for mask in found
    ] == expected[:NUM_SENTENCES]


def test_no_token_is_taken_for_markdown():
    tokens = ["[CLS]", "[MASK]", "##s", "`", "|", "<b>", "*", "[SEP]"] * 30
    sentence = {"tokens": tokens, "position": 1, "label": "`", "top": [["##s", 0.5]]}

    lines = format_sentence(sentence).split("\n")

    assert all(line.startswith("    ") for line in lines)
    assert max(map(len, lines)) <= 104
    assert lines[-1] == "       50.0%  ##s"
