"""Google's checkpoints of both TensorFlows, there and back."""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints import google
from bert_tf.modeling.checkpoints.pretrained import assign
from bert_tf.modeling.checkpoints.shapes import head_of
from bert_tf.modeling.checkpoints.weight_names import to_theirs
from bert_tf.modeling.models import BertPretrainer
from tests.conftest import SHARED
from tests.modeling.checkpoints.golden import assert_outputs_equal
from tests.modeling.checkpoints.pretrained_cases import assert_same, make_pretrained

GOLDEN = SHARED / "golden/google_tiny_bert"
MODEL_GARDEN = pathlib.Path(__file__).parents[2] / "golden/model_garden_tiny_bert"
TINY = SHARED / "data/checkpoints/keras_bert_tiny_tf1"
HEADS = ("masked_lm", "next_sentence", "sequence_classifier", "answer_span")


def tensors_of(prefix):
    reader = tf.train.load_checkpoint(str(prefix))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


@pytest.mark.skipif(not GOLDEN.exists(), reason="needs ../shared")
def test_outputs_equal_the_original():
    pretrained = google.read(str(GOLDEN))

    assert_outputs_equal(pretrained, GOLDEN)
    assert pretrained.config.hidden_act == "gelu_new"
    assert not pretrained.coverage.missing
    assert not pretrained.coverage.unexpected
    assert set(pretrained.coverage.skipped) == {
        "state of the optimizer",
        "bookkeeping of training",
    }


@pytest.mark.skipif(not GOLDEN.exists(), reason="needs ../shared")
def test_round_trip_of_the_originals_weights_is_bit_identical(tmp_path):
    google.write(google.read(str(GOLDEN)), str(tmp_path))

    written = tensors_of(tmp_path / google.CHECKPOINT)
    originals = {
        name: values
        for name, values in tensors_of(GOLDEN / "bert_model.ckpt").items()
        if not name.endswith(("adam_m", "adam_v", "global_step"))
    }
    assert set(written) == set(originals)
    for name, values in originals.items():
        np.testing.assert_array_equal(written[name], values)
    settings = json.loads((tmp_path / google.CONFIG_FILE).read_text())
    assert settings == json.loads((GOLDEN / google.CONFIG_FILE).read_text())


@pytest.mark.skipif(not TINY.exists(), reason="needs ../shared")
def test_a_checkpoint_by_its_prefix(tmp_path):
    shutil.copytree(TINY, tmp_path / "a")
    shutil.copy(TINY / "bert_model.ckpt.index", tmp_path / "a/model.ckpt-3.index")

    pretrained = google.read(str(tmp_path / "a/bert_model.ckpt"))

    assert pretrained.vocabulary.tokens[-1] == "boy"
    assert not pretrained.coverage.missing
    with pytest.raises(UserError, match=r"one checkpoint .* bert_model.ckpt, model.ckpt"):
        google.read(str(tmp_path / "a"))


@pytest.mark.parametrize("head", [*HEADS, "token_classifier", "choice_scorer"])
def test_round_trip_of_each_head(head, tmp_path):
    pretrained = make_pretrained(head)

    coverage = google.write(pretrained, str(tmp_path))

    assert set(coverage.loaded) == set(pretrained.weights)
    assert_same(google.read(str(tmp_path)), pretrained)


def test_heads_have_the_originals_names_and_shapes(tmp_path):
    google.write(make_pretrained(*HEADS), str(tmp_path))

    shapes = {
        name: values.shape
        for name, values in tensors_of(tmp_path / google.CHECKPOINT).items()
        if not name.startswith("bert/")
    }
    assert shapes == {
        "cls/predictions/transform/dense/kernel": (8, 8),
        "cls/predictions/transform/dense/bias": (8,),
        "cls/predictions/transform/LayerNorm/gamma": (8,),
        "cls/predictions/transform/LayerNorm/beta": (8,),
        "cls/predictions/output_bias": (10,),
        "cls/seq_relationship/output_weights": (2, 8),
        "cls/seq_relationship/output_bias": (2,),
        "output_weights": (3, 8),
        "output_bias": (3,),
        "cls/squad/output_weights": (2, 8),
        "cls/squad/output_bias": (2,),
    }


def test_names_of_classes_are_told_where_they_are_lost(tmp_path, caplog):
    pretrained = make_pretrained("sequence_classifier", labels=("no", "yes", "maybe"))

    with caplog.at_level("WARNING"):
        google.write(pretrained, str(tmp_path))

    assert "in order, they are no, yes, maybe" in caplog.text


@pytest.mark.parametrize("names", google.TENSORFLOW_2)
def test_tensorflow_2_names(names, tmp_path):
    pretrained = make_pretrained()
    google.write(pretrained, str(tmp_path))
    theirs, _ = to_theirs(pretrained.weights, names, pretrained.config)
    write_tensors(tmp_path / google.CHECKPOINT, theirs)

    assert_same(google.read(str(tmp_path)), pretrained)


@pytest.mark.parametrize("kind", ["numbered", "encoder", "heads", "pretrainer"])
def test_outputs_equal_model_gardens(kind):
    pretrained = google.read(str(MODEL_GARDEN / kind))
    pretrained.coverage.require()
    model = BertPretrainer(pretrained.config)
    left = assign(model, pretrained)
    assert all(head_of(path) for path in left)
    expected = np.load(MODEL_GARDEN / kind / "expected.npz")

    outputs = model.bert(
        {
            name: expected[name]
            for name in ("input_word_ids", "input_mask", "input_type_ids")
        }
    )

    for name in ("sequence_output", "pooled_output"):
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-5, rtol=0)


def write_tensors(prefix, tensors):
    names = sorted(tensors)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tensors[name] for name in names],
    )


def test_a_missing_weight_is_named_unless_allowed(tmp_path):
    pretrained = make_pretrained()
    google.write(pretrained, str(tmp_path))
    theirs = tensors_of(tmp_path / google.CHECKPOINT)
    write_tensors(
        tmp_path / google.CHECKPOINT,
        {name: v for name, v in theirs.items() if "pooler" not in name},
    )

    coverage = google.read(str(tmp_path)).coverage

    with pytest.raises(
        UserError,
        match=r"bert/pooler/kernel \(bert/pooler/dense/kernel\).*--allow_missing",
    ):
        coverage.require()
    coverage.require(["bert/pooler"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act gelu .* received 'relu'"),
        ({"hidden_act": ["gelu"]}, r"hidden_act gelu .* received \['gelu'\]"),
        ({"hidden_size": "8"}, "hidden_size: expected a whole number, received '8'"),
        ({"vocab_size": 10.0}, "vocab_size: expected a whole number, received 10.0"),
        ({"num_hidden_layers": True}, "num_hidden_layers: .* received True"),
        (
            {"hidden_dropout_prob": None},
            "hidden_dropout_prob: .* a number, received None",
        ),
        ({"hidden_size": 16}, r"shape \(10, 16\) for bert/embeddings/word_embeddings"),
        ({"num_attention_heads": 3}, "hidden_size: expected a multiple"),
        (
            {"num_hidden_layers": 1},
            "num_hidden_layers=1, received one that has 'bert/encoder/layer_1/output/",
        ),
    ],
)
def test_a_configuration_that_does_not_fit(change, message, tmp_path):
    google.write(make_pretrained(), str(tmp_path))
    path = tmp_path / google.CONFIG_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(UserError, match=message):
        google.read(str(tmp_path))


def test_no_configuration(tmp_path):
    google.write(make_pretrained(), str(tmp_path))
    (tmp_path / google.CONFIG_FILE).unlink()

    with pytest.raises(UserError, match=r"Expected bert_config\.json in"):
        google.read(str(tmp_path))
    (tmp_path / google.CONFIG_FILE).write_text("[1]")
    with pytest.raises(UserError, match=r"an object of JSON in .* received a list"):
        google.read(str(tmp_path))


def test_a_damaged_checkpoint(tmp_path):
    google.write(make_pretrained(), str(tmp_path))
    (tmp_path / f"{google.CHECKPOINT}.index").write_bytes(b"no index at all")

    with pytest.raises(UserError, match="Expected a checkpoint of TensorFlow in"):
        google.read(str(tmp_path))


def test_a_checkpoint_cut_off(tmp_path):
    google.write(make_pretrained(), str(tmp_path))
    path = next(tmp_path.glob("*.data-*"))
    path.write_bytes(path.read_bytes()[:500])

    with pytest.raises(UserError, match="Expected a checkpoint of TensorFlow in"):
        google.read(str(tmp_path))


@pytest.mark.parametrize(
    "override",
    [
        {"hidden_act": "gelu"},
        {"layer_norm_eps": 1e-5},
        {"layer_norm": "pre"},
        {"do_lower_case": False},
    ],
)
def test_what_googles_format_cannot_say_is_refused(override, tmp_path):
    with pytest.raises(UserError, match=f"Expected {next(iter(override))}="):
        google.write(make_pretrained(**override), str(tmp_path))


def test_every_other_field_is_read_back(tmp_path):
    pretrained = make_pretrained(
        type_vocab_size=3,
        hidden_dropout_prob=0.2,
        attention_probs_dropout_prob=0,
        initializer_range=0.1,
    )

    google.write(pretrained, str(tmp_path))

    assert_same(google.read(str(tmp_path)), pretrained)
