"""Folders are told apart by what is in them, and written whole or not at all."""

import json

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import PretrainConfig, to_json
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints import formats
from bert_tf.modeling.checkpoints.formats import read_pretrained, write_pretrained
from bert_tf.modeling.checkpoints.pretrained import assign
from bert_tf.modeling.checkpoints.shapes import encoder_shapes, head_shapes
from bert_tf.modeling.models import BertPretrainer
from tests.conftest import SHARED
from tests.modeling.checkpoints.pretrained_cases import (
    assert_same,
    make_pretrained,
    small_config,
)

TINY = SHARED / "data/checkpoints/keras_bert_tiny_tf1"


@pytest.mark.parametrize("layer_norm", ["post", "pre"])
def test_shapes_are_the_models(layer_norm):
    config = small_config(layer_norm=layer_norm)
    model = BertPretrainer(config)

    shapes = {
        variable.path.removeprefix(f"{model.name}/"): tuple(variable.shape)
        for variable in model.variables
    }

    assert shapes == (
        encoder_shapes(config)
        | head_shapes("masked_lm", config)
        | head_shapes("next_sentence", config)
    )


@pytest.mark.parametrize("format", ["google", "hugging_face", "keras_hub"])
def test_each_format_is_known_again(format, tmp_path):
    pretrained = make_pretrained()

    write_pretrained(pretrained, str(tmp_path / "new"), format=format)

    assert_same(read_pretrained(str(tmp_path / "new")), pretrained)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(value, tmp_path):
    pretrained = make_pretrained()
    pretrained.weights["bert/pooler/bias"][1] = value
    write_pretrained(pretrained, str(tmp_path / "new"), format="google")

    with pytest.raises(UserError, match=r"finite .*, received bert/pooler/bias with one"):
        read_pretrained(str(tmp_path / "new"))


def test_hugging_faces_folders_that_are_told_by_less(tmp_path):
    write_pretrained(make_pretrained(), str(tmp_path / "a"), format="hugging_face")
    path = tmp_path / "a/config.json"
    settings = json.loads(path.read_text())
    del settings["model_type"]
    path.write_text(json.dumps(settings))
    (tmp_path / "a/bert_config.json").write_text("{}")  # what it was made from

    assert_same(read_pretrained(str(tmp_path / "a")), make_pretrained())


def test_there_and_back_through_two_libraries(tmp_path):
    pretrained = make_pretrained("masked_lm", "next_sentence")

    write_pretrained(pretrained, str(tmp_path / "a"), format="google")
    write_pretrained(
        read_pretrained(str(tmp_path / "a")), str(tmp_path / "b"), format="hugging_face"
    )
    write_pretrained(
        read_pretrained(str(tmp_path / "b")), str(tmp_path / "c"), format="google"
    )

    assert_same(read_pretrained(str(tmp_path / "c")), pretrained)
    data = "bert_model.ckpt.data-00000-of-00001"
    assert (tmp_path / "a" / data).read_bytes() == (tmp_path / "c" / data).read_bytes()


@pytest.mark.skipif(not TINY.exists(), reason="needs ../shared")
def test_a_checkpoint_of_others_there_and_back(tmp_path):
    original = received = read_pretrained(str(TINY))

    for number, format in enumerate(["hugging_face", "google", "hugging_face"]):
        folder = str(tmp_path / str(number))
        write_pretrained(received, folder, format=format)
        received = read_pretrained(folder)

    assert_same(received, original)


def test_weights_that_no_file_has_stay_as_they_are():
    model = BertPretrainer(small_config())
    before = {variable.path: variable.numpy() for variable in model.variables}
    pretrained = make_pretrained("next_sentence")

    left = assign(model, pretrained)

    assert set(left) == set(head_shapes("masked_lm", model.config))
    for variable in model.variables:
        path = variable.path.removeprefix(f"{model.name}/")
        expected = before[variable.path] if path in left else pretrained.weights[path]
        np.testing.assert_array_equal(variable.numpy(), expected)


def test_weights_of_another_model():
    with pytest.raises(UserError, match=r"the shape \(10, 16\) for bert/embeddings/word"):
        assign(BertPretrainer(small_config(hidden_size=16)), make_pretrained())


def test_a_vocabulary_of_another_size(tmp_path):
    write_pretrained(make_pretrained(), str(tmp_path / "a"), format="google")
    with (tmp_path / "a/vocab.txt").open("a") as file:
        file.write("another\n")

    with pytest.raises(UserError, match=r"a vocabulary of 10 tokens .* one of 11"):
        read_pretrained(str(tmp_path / "a"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing/there", "the folder of a BERT, received .*, which is none"),
        ("empty", "received .* with neither"),
        ("list", "an object of JSON in .* received a list"),
        ("broken", "Expected JSON in"),
    ],
)
def test_no_bert(path, message, tmp_path):
    for name in ("empty", "list", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "list/config.json").write_text("[1]")
    (tmp_path / "broken/config.json").write_text("{")

    with pytest.raises(UserError, match=message):
        read_pretrained(str(tmp_path / path))


def test_a_run_with_a_size_that_is_no_number(tmp_path):
    config = PretrainConfig(model=small_config(hidden_size="8"))
    (tmp_path / "config.json").write_text(to_json(config))

    with pytest.raises(UserError, match="hidden_size: expected a whole number"):
        read_pretrained(str(tmp_path))


def test_nothing_half_written(tmp_path, monkeypatch):
    def fail(pretrained, folder):
        tf.io.gfile.makedirs(folder)
        raise tf.errors.ResourceExhaustedError(None, None, "no space left on device")

    monkeypatch.setitem(formats._WRITERS, "google", fail)

    with pytest.raises(UserError, match="folder that can be written"):
        write_pretrained(make_pretrained(), str(tmp_path / "a"), format="google")

    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_left_alone(tmp_path):
    with pytest.raises(UserError, match="a folder that does not exist"):
        write_pretrained(make_pretrained(), str(tmp_path), format="google")


def test_pre_layer_norm_is_ours_alone(tmp_path):
    with pytest.raises(UserError, match="layer_norm=post"):
        write_pretrained(
            make_pretrained(layer_norm="pre"), str(tmp_path / "a"), format="google"
        )
