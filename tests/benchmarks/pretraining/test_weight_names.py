"""Other libraries' models, of random weights, answer as ours does with these weights."""

import json
import pathlib

import keras_hub
import numpy as np
import pytest
from safetensors.numpy import load_file

from benchmarks.pretraining.weight_names import HUGGING_FACE, KERAS_HUB, arrange
from bert_tf.config import BertConfig
from bert_tf.modeling.models import BertPretrainer
from tests.modeling.test_encoder import random_inputs, small_config

GOLDEN = pathlib.Path(__file__).parents[2] / "golden/hf_tiny_bert_gelu"


def variables_of(model, *, without=()):
    """The variables that are to be found elsewhere, by their paths."""
    prefix = f"{model.name}/"
    paths = {each.path.removeprefix(prefix): each for each in model.variables}
    return {path: each for path, each in paths.items() if not path.startswith(without)}


def load(variables, weights, names):
    """Assigns the weights; returns the names of those it did without."""
    arrays = arrange(weights, names, {path: v.shape for path, v in variables.items()})
    for path, values in arrays.items():
        variables[path].assign(values)
    return set(weights) - {names.name_of(path) for path in variables}


def test_hugging_face():
    settings = json.loads((GOLDEN / "config.json").read_text())
    fields = set(BertConfig.__dataclass_fields__)
    model = BertPretrainer({k: v for k, v in settings.items() if k in fields})
    weights = load_file(GOLDEN / "model.safetensors")

    unused = load(variables_of(model), weights, HUGGING_FACE)

    assert not unused
    expected = np.load(GOLDEN / "expected.npz")
    batch_size, length = expected["input_ids"].shape
    inputs = {
        "input_word_ids": expected["input_ids"],
        "input_mask": expected["input_mask"],
        "input_type_ids": expected["segment_ids"],
        "masked_lm_positions": np.tile(np.arange(length), (batch_size, 1)),
    }
    outputs = model.bert(inputs) | model(inputs)
    for ours, theirs in (
        ("sequence_output", "sequence_output"),
        ("pooled_output", "pooled_output"),
        ("masked_lm_logits", "mlm_logits"),
        ("next_sentence_logits", "nsp_logits"),
    ):
        np.testing.assert_allclose(outputs[ours], expected[theirs], atol=1e-4, rtol=0)


def test_keras_hub():
    config = small_config()
    theirs = keras_hub.models.BertMaskedLM(
        keras_hub.models.BertBackbone(
            vocabulary_size=config.vocab_size,
            num_layers=config.num_hidden_layers,
            num_heads=config.num_attention_heads,
            hidden_dim=config.hidden_size,
            intermediate_dim=config.intermediate_size,
            max_sequence_length=config.max_position_embeddings,
        )
    )
    rng = np.random.default_rng(0)
    for variable in theirs.trainable_variables:
        variable.assign(rng.normal(scale=0.3, size=variable.shape))
    weights = {v.path: v.numpy() for v in theirs.trainable_variables}
    ours = BertPretrainer(config)

    unused = load(variables_of(ours, without="next_sentence/"), weights, KERAS_HUB)

    assert not unused
    inputs = random_inputs()
    outputs = ours.bert(inputs) | ours(inputs)
    names = {
        "token_ids": inputs["input_word_ids"],
        "padding_mask": inputs["input_mask"],
        "segment_ids": inputs["input_type_ids"],
    }
    expected = theirs.backbone(names)
    for name in ("sequence_output", "pooled_output"):
        np.testing.assert_allclose(
            *(mask_padding(each[name], inputs) for each in (outputs, expected)),
            atol=1e-4,
            rtol=0,
        )


def mask_padding(values, inputs):
    """Zeros where nobody looks."""
    values = np.array(values)
    return values * inputs["input_mask"][..., None] if values.ndim == 3 else values


@pytest.mark.parametrize("names", [HUGGING_FACE, KERAS_HUB])
def test_what_is_missing_or_of_another_size_is_told(names):
    shapes = {"bert/layer_11/intermediate/kernel": (2, 4)}
    (name,) = (names.name_of(path) for path in shapes)
    assert "11" in name

    for weights in ({}, {name: np.zeros([2, 5])}):
        with pytest.raises(ValueError, match=r"shape \(2, 4\) for bert/layer_11/"):
            arrange(weights, names, shapes)


def test_kernels_of_hugging_face_are_transposed_and_no_others():
    kernel = np.arange(8.0).reshape(4, 2)
    weights = {
        "bert.pooler.dense.weight": kernel,
        "bert.embeddings.word_embeddings.weight": kernel,
    }
    shapes = {"bert/pooler/kernel": (2, 4), "bert/embeddings/word_embeddings": (4, 2)}

    arrays = arrange(weights, HUGGING_FACE, shapes)

    np.testing.assert_array_equal(arrays["bert/pooler/kernel"], kernel.T)
    np.testing.assert_array_equal(arrays["bert/embeddings/word_embeddings"], kernel)


def test_our_own_names_are_the_paths():
    values = np.ones(3)

    assert arrange({"bert/pooler/bias": values}, None, {"bert/pooler/bias": (3,)})
