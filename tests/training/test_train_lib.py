"""Whole runs on made data: they learn, resume exactly and refuse what does not fit."""

import dataclasses
import json
import os
import signal

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import BertConfig, InputConfig, OptimizerConfig, PretrainConfig
from bert_tf.data.manifest import load_manifest
from bert_tf.data.vocab import load_vocabulary
from bert_tf.errors import Stopped, UserError
from bert_tf.modeling.checkpoints.run_dir import (
    PREDICTIONS_FILE,
    REPORT_FILE,
    load_run,
    read_config,
    read_data_manifest,
)
from bert_tf.modeling.models import BertPretrainer
from bert_tf.training.callbacks import EndOnTime
from bert_tf.training.metrics_log import read_lines
from bert_tf.training.train_lib import train_and_evaluate
from tests.made_data import VOCABULARY, write_data_set, write_unmasked


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_data_set(folder)
    return str(folder)


def make_config(data_dir, *, model=None, **overrides):
    return PretrainConfig(
        model=BertConfig(
            **{
                "vocab_size": len(VOCABULARY),
                "hidden_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 32,
                "max_position_embeddings": 16,
            }
            | (model or {})
        ),
        input=InputConfig(data_dir=data_dir, train_batch_size=10, eval_batch_size=7),
        optimizer=OptimizerConfig(learning_rate=1e-2, warmup_steps=2),
        **{
            "num_train_steps": 12,
            "steps_per_log": 3,
            "steps_per_checkpoint": 3,
            "steps_per_eval": 6,
        }
        | overrides,
    )


def weights_of(workdir):
    model, _, _ = load_run(str(workdir))
    return [variable.numpy() for variable in model.variables]


def test_a_run_learns_and_leaves_a_whole_folder(data_dir, tmp_path):
    config = make_config(
        data_dir,
        num_train_steps=300,
        steps_per_log=50,
        steps_per_checkpoint=100,
        steps_per_eval=300,
    )

    results = train_and_evaluate(config, str(tmp_path))

    assert results["masked_lm_accuracy"] > 0.9
    assert results["next_sentence_accuracy"] > 0.9
    assert results["baseline_masked_lm_accuracy"] == 0.1
    assert results["num_examples"] == 24
    assert json.loads((tmp_path / "results.json").read_text()) == results
    assert read_config(str(tmp_path)) == config
    assert load_vocabulary(str(tmp_path / "vocab.txt")) == VOCABULARY
    shared = BertPretrainer(config.model)
    shared.load_weights(tmp_path / "model.weights.h5")
    for found, trained in zip(shared.variables, weights_of(tmp_path), strict=True):
        np.testing.assert_array_equal(found.numpy(), trained)
    assert os.path.basename(load_run(str(tmp_path))[2]) == "step-300"
    folders = {path.name for path in (tmp_path / "events").iterdir() if path.is_dir()}
    assert folders == {"train", "held_out", "predictions"}
    assert "of held-out masked words right" in (tmp_path / REPORT_FILE).read_text()


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("next_sentence", [True, False])
def test_dynamic_masks_and_single_segments_are_trained_on(tmp_path, next_sentence):
    write_unmasked(tmp_path / "data", next_sentence=next_sentence)
    config = make_config(str(tmp_path / "data"))

    results = train_and_evaluate(config, str(tmp_path / "run"))

    assert results["masked_lm_loss"] < 5
    assert ("next_sentence_accuracy" in results) == next_sentence


def test_another_data_sets_held_out_examples_are_evaluated(data_dir, tmp_path):
    """What one recipe has learnt is compared with another by the same examples."""
    write_unmasked(tmp_path / "data", next_sentence=False)
    config = make_config(str(tmp_path / "data"), eval_data_dir=data_dir)

    results = train_and_evaluate(config, str(tmp_path / "run"))

    assert results["num_examples"] == 24
    assert "next_sentence_accuracy" not in results  # nothing has taught it
    of_run = read_data_manifest(str(tmp_path / "run"))["splits"]
    for split, folder in (("train", tmp_path / "data"), ("held_out", data_dir)):
        expected = json.loads(load_manifest(str(folder)).to_json())["splits"][split]
        assert of_run[split] == expected


def test_held_out_examples_that_may_be_trained_on_are_refused(data_dir, tmp_path):
    manifest = write_data_set(tmp_path / "data")
    fewer = dataclasses.replace(manifest.config, held_out_fraction=0.5)
    manifest = dataclasses.replace(manifest, config=fewer)
    (tmp_path / "data/manifest.json").write_text(manifest.to_json())

    with pytest.raises(UserError, match=r"held_out_fraction=0\.02 in .* and 0\.5"):
        train_and_evaluate(
            make_config(data_dir, eval_data_dir=str(tmp_path / "data")),
            str(tmp_path / "run"),
        )


def test_an_interrupted_run_ends_with_the_same_weights(data_dir, tmp_path, monkeypatch):
    """Stopped mid-epoch at step 8, after the checkpoint of step 6; dropout is on."""
    config = make_config(data_dir)
    train_and_evaluate(config, str(tmp_path / "whole"))

    from bert_tf.training import callbacks

    def stop_at_step_8(self, batch, logs=None):
        if self._state.step == 8:
            raise Interrupted

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(callbacks.ShowProgress, "on_train_batch_end", stop_at_step_8)
        train_and_evaluate(config, str(tmp_path / "cut"))
    assert load_run(str(tmp_path / "cut"))[2].endswith("step-6")
    train_and_evaluate(config, str(tmp_path / "cut"))

    for whole, resumed in zip(
        weights_of(tmp_path / "whole"), weights_of(tmp_path / "cut"), strict=True
    ):
        np.testing.assert_array_equal(whole, resumed)
    whole, resumed = (
        (tmp_path / name / PREDICTIONS_FILE).read_text() for name in ("whole", "cut")
    )
    assert whole == resumed


def test_figures_do_not_depend_on_how_often_is_saved(data_dir, tmp_path):
    lines = []
    for steps in (3, 6):
        config = make_config(data_dir, steps_per_checkpoint=steps)
        train_and_evaluate(config, str(tmp_path / str(steps)))
        lines.append(read_lines(str(tmp_path / str(steps) / "metrics.jsonl")))

    for often, seldom in zip(*lines, strict=True):
        for name in ("split", "step", "masked_lm_loss", "next_sentence_accuracy"):
            assert often[name] == seldom[name]


def test_a_complete_run_is_not_trained_again(data_dir, tmp_path):
    config = make_config(data_dir)
    first = train_and_evaluate(config, str(tmp_path))
    before = weights_of(tmp_path)

    second = train_and_evaluate(config, str(tmp_path))

    assert first == second
    for one, two in zip(before, weights_of(tmp_path), strict=True):
        np.testing.assert_array_equal(one, two)


def test_seed_decides_the_run(data_dir, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train_and_evaluate(make_config(data_dir, seed=seed), str(tmp_path / name))

    a, b, c = (weights_of(tmp_path / name)[0] for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-3


def test_without_held_out_examples_it_still_trains(tmp_path):
    write_data_set(tmp_path / "data", num_held_out=0)

    results = train_and_evaluate(
        make_config(str(tmp_path / "data")), str(tmp_path / "run")
    )

    assert results == {}
    assert "Step 12" in (tmp_path / "run" / REPORT_FILE).read_text()
    assert read_lines(str(tmp_path / "run" / PREDICTIONS_FILE)) == []
    assert load_run(str(tmp_path / "run"))[2].endswith("step-12")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"vocab_size": 999}, r"same vocab_size, received 28 .* and 999"),
        ({"do_lower_case": False}, r"same do_lower_case, received True .* and False"),
        (
            {"max_position_embeddings": 8},
            r"max_position_embeddings=8, received .*max_seq_length=16",
        ),
    ],
)
def test_data_that_does_not_fit_the_model_stops_before_the_first_step(
    data_dir, tmp_path, model, message
):
    with pytest.raises(UserError, match=message):
        train_and_evaluate(make_config(data_dir, model=model), str(tmp_path / "run"))

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("part", ["input", "long_input"])
def test_masks_that_the_shards_cannot_have_stop_before_the_first_step(
    data_dir, tmp_path, part
):
    config = make_config(data_dir, num_long_steps=6)
    config.long_input = dataclasses.replace(config.input)
    getattr(config, part).masked_lm_prob = 0.3

    with pytest.raises(UserError, match=f"^{part}.masked_lm_prob: expected 0 for shards"):
        train_and_evaluate(config, str(tmp_path / "run"))

    assert not (tmp_path / "run").exists()


def test_settings_may_be_put_right_before_the_first_checkpoint(
    data_dir, tmp_path, monkeypatch
):
    from bert_tf.training import callbacks

    def fail(callback, batch, logs=None):
        raise Interrupted

    monkeypatch.setattr(callbacks.SaveCheckpoint, "on_train_batch_end", fail)
    with pytest.raises(Interrupted):
        train_and_evaluate(make_config(data_dir, steps_per_log=1), str(tmp_path))
    assert len(read_lines(str(tmp_path / "metrics.jsonl"))) == 1
    (tmp_path / "events/other").mkdir()
    monkeypatch.undo()
    config = make_config(data_dir, model={"hidden_size": 32})

    train_and_evaluate(config, str(tmp_path))

    assert read_config(str(tmp_path)) == config
    assert read_lines(str(tmp_path / "metrics.jsonl"))[0]["step"] == 3
    assert not (tmp_path / "events/other").exists()


@pytest.mark.parametrize("left", ["results.json", "checkpoints"])
def test_what_a_complete_run_has_left_is_not_written_over(data_dir, tmp_path, left):
    train_and_evaluate(make_config(data_dir), str(tmp_path))
    for name in {"results.json", "checkpoints"} - {left}:
        os.rename(tmp_path / name, tmp_path / f"{name}.moved")

    with pytest.raises(UserError, match=r"config\.seed=1 instead of 0"):
        train_and_evaluate(make_config(data_dir, seed=1), str(tmp_path))


def test_a_signal_during_the_last_evaluation_ends_it(data_dir, tmp_path, monkeypatch):
    from bert_tf.training.trainer import Trainer

    evaluate = Trainer.evaluate
    config = make_config(data_dir, steps_per_eval=12)

    def ask_to_end(self, *args, return_dict=False, **kwargs):
        if return_dict:  # the last one
            os.kill(os.getpid(), signal.SIGTERM)
        return evaluate(self, *args, return_dict=return_dict, **kwargs)

    monkeypatch.setattr(Trainer, "evaluate", ask_to_end)
    with pytest.raises(Stopped, match="SIGTERM at step 12, which is saved"):
        train_and_evaluate(config, str(tmp_path))
    assert not (tmp_path / "results.json").exists()
    monkeypatch.undo()

    assert train_and_evaluate(config, str(tmp_path))["num_examples"] == 24


def test_a_vocabulary_that_is_not_the_datas_is_refused(tmp_path):
    write_data_set(tmp_path / "data")
    text = (tmp_path / "data" / "vocab.txt").read_text()
    (tmp_path / "data" / "vocab.txt").write_text(text.replace("##a\n", "##z\n"))

    with pytest.raises(UserError, match="Expected the vocabulary of digest"):
        train_and_evaluate(make_config(str(tmp_path / "data")), str(tmp_path / "run"))


def test_a_folder_of_other_settings_is_refused(data_dir, tmp_path):
    train_and_evaluate(make_config(data_dir), str(tmp_path))

    with pytest.raises(UserError, match=r"config\.model\.hidden_size=32 instead of 16"):
        train_and_evaluate(
            make_config(data_dir, model={"hidden_size": 32}), str(tmp_path)
        )


def test_a_folder_of_other_data_is_refused(data_dir, tmp_path):
    train_and_evaluate(make_config(data_dir), str(tmp_path / "run"))
    write_data_set(tmp_path / "other", num_train=32)

    with pytest.raises(UserError, match=r"data set .* was begun with"):
        train_and_evaluate(make_config(str(tmp_path / "other")), str(tmp_path / "run"))


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(
    data_dir, tmp_path, monkeypatch
):
    from bert_tf.tasks import pretraining

    plain = pretraining.weighted_sums

    def spoiled(outputs, batch):
        sums = plain(outputs, batch)
        total, weight = sums["masked_lm_loss"]
        # Not finite from the batch on in which a certain token is masked.
        is_there = tf.reduce_any(batch["masked_lm_ids"] == 7)
        sums["masked_lm_loss"] = (tf.where(is_there, total / 0.0, total), weight)
        return sums

    monkeypatch.setattr(pretraining, "weighted_sums", spoiled)

    with pytest.raises(UserError, match=r"finite masked_lm_loss, received .* at step 1;"):
        train_and_evaluate(make_config(data_dir), str(tmp_path))

    with pytest.raises(UserError, match="Expected a checkpoint"):
        load_run(str(tmp_path))


def test_weights_that_are_not_finite_are_not_saved(data_dir, tmp_path, monkeypatch):
    from bert_tf.training import callbacks

    check = callbacks.StopOnNonFinite.on_train_batch_end

    def spoil(self, batch, logs=None):
        if self._state.step == 6:
            variable = self.model.model.trainable_variables[0]
            variable.assign_add(variable * float("nan"))
        check(self, batch, logs)

    monkeypatch.setattr(callbacks.StopOnNonFinite, "on_train_batch_end", spoil)

    with pytest.raises(UserError, match=r"word_embeddings.* at step 6;"):
        train_and_evaluate(make_config(data_dir, steps_per_eval=12), str(tmp_path))

    assert load_run(str(tmp_path))[2].endswith("step-3")


def test_data_without_an_example_to_train_on_is_refused(tmp_path):
    write_data_set(tmp_path / "data", num_train=0)

    with pytest.raises(UserError, match="examples to train on, received none"):
        train_and_evaluate(make_config(str(tmp_path / "data")), str(tmp_path / "run"))


def test_an_unwritable_workdir_is_one_line(data_dir, tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(UserError, match="folder that can be made"):
        train_and_evaluate(make_config(data_dir), str(tmp_path / "file" / "run"))


def test_a_loaded_run_has_every_weight_that_was_trained(data_dir, tmp_path, monkeypatch):
    from bert_tf.training import train_lib

    models = []
    build = train_lib.BertPretrainer
    monkeypatch.setattr(
        train_lib,
        "BertPretrainer",
        lambda *args: models.append(build(*args)) or models[0],
    )
    train_and_evaluate(make_config(data_dir), str(tmp_path))

    loaded = weights_of(tmp_path)

    assert len(loaded) == len(models[0].variables)
    for variable, value in zip(models[0].variables, loaded, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_a_run_of_so_many_minutes_ends_where_its_decay_does(
    data_dir, tmp_path, monkeypatch
):
    """Also if the time is up in the rest of an epoch that was interrupted."""
    config = make_config(data_dir, num_train_minutes=1e-4, steps_per_eval=3)
    config.optimizer = OptimizerConfig(
        schedule="warmup_stable_decay",
        learning_rate=1e-2,
        warmup_steps=2,
        decay_share=0.3,
    )
    decide = EndOnTime.on_train_batch_end

    def interrupt(callback, batch, logs=None):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(EndOnTime, "on_train_batch_end", interrupt)
    with pytest.raises(Stopped):
        train_and_evaluate(config, str(tmp_path))
    monkeypatch.setattr(EndOnTime, "on_train_batch_end", decide)
    train_and_evaluate(config, str(tmp_path))

    # Step 2 is more than 70 % of the time, and 3 the next that is saved.
    assert os.path.basename(load_run(str(tmp_path))[2]) == "step-3"
    steps = [line["step"] for line in read_lines(str(tmp_path / "metrics.jsonl"))]
    assert max(steps) == 3
