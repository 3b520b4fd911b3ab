"""KerasHub's presets, there and back."""

import json

import keras_hub
import numpy as np
import pytest

from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints import keras_hub as keras_hub_format
from bert_tf.modeling.checkpoints.pretrained import assign
from bert_tf.modeling.models import BertPretrainer
from tests.modeling.checkpoints.pretrained_cases import (
    TOKENS,
    assert_same,
    make_pretrained,
)


def test_round_trip(tmp_path):
    pretrained = make_pretrained(do_lower_case=False)

    keras_hub_format.write(pretrained, str(tmp_path))

    assert_same(keras_hub_format.read(str(tmp_path)), pretrained)


def test_the_tokenizer_strips_accents_as_ours_does(tmp_path):
    pretrained = make_pretrained(do_lower_case=True)
    keras_hub_format.write(pretrained, str(tmp_path))
    word = next(token for token in TOKENS if "a" in token and token.isalpha())

    tokenizer = keras_hub.models.BertTokenizer.from_preset(str(tmp_path))

    assert tokenizer(word.upper().replace("A", "Á")).tolist() == [TOKENS.index(word)]


def test_heads_are_left_out_and_named(tmp_path):
    coverage = keras_hub_format.write(make_pretrained("next_sentence"), str(tmp_path))

    assert coverage.skipped == {
        "not in this format": (
            "next_sentence/classifier/kernel",
            "next_sentence/classifier/bias",
        )
    }


def test_it_computes_the_same(tmp_path):
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(TOKENS),
        num_layers=2,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=12,
        max_sequence_length=7,
    )
    rng = np.random.default_rng(0)
    for variable in backbone.weights:
        variable.assign(rng.normal(size=variable.shape, scale=0.5))
    backbone.save_to_preset(str(tmp_path))
    keras_hub.models.BertTokenizer(list(TOKENS), lowercase=True).save_to_preset(
        str(tmp_path)
    )
    inputs = {
        "input_word_ids": rng.integers(5, 10, (2, 6)).astype("int32"),
        "input_mask": np.array([[1] * 6, [1] * 4 + [0] * 2], "int32"),
        "input_type_ids": np.array([[0, 0, 0, 1, 1, 1]] * 2, "int32"),
    }

    pretrained = keras_hub_format.read(str(tmp_path))

    pretrained.coverage.require()
    assert pretrained.config.do_lower_case
    model = BertPretrainer(pretrained.config)
    assign(model, pretrained)
    outputs = model.bert(inputs)
    expected = backbone(
        {
            "token_ids": inputs["input_word_ids"],
            "padding_mask": inputs["input_mask"],
            "segment_ids": inputs["input_type_ids"],
        }
    )
    for name in ("sequence_output", "pooled_output"):
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "override", [{"hidden_act": "gelu"}, {"layer_norm_eps": 1e-6}, {"layer_norm": "pre"}]
)
def test_what_a_backbone_cannot_compute_is_refused(override, tmp_path):
    with pytest.raises(UserError, match=f"Expected {next(iter(override))}="):
        keras_hub_format.write(make_pretrained(**override), str(tmp_path))


def test_a_preset_without_a_size(tmp_path):
    keras_hub_format.write(make_pretrained(), str(tmp_path))
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    del config["config"]["hidden_dim"]
    path.write_text(json.dumps(config))

    with pytest.raises(UserError, match="the name of a preset of KerasHub's"):
        keras_hub_format.read(str(tmp_path))


def test_no_preset(tmp_path):
    with pytest.raises(UserError, match="the name of a preset of KerasHub's"):
        keras_hub_format.read(str(tmp_path))
