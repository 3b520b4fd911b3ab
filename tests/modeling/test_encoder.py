import keras
import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import BertConfig, bert_size
from bert_tf.errors import UserError
from bert_tf.modeling.encoder import BertEncoder
from bert_tf.modeling.models import BertPretrainer


def small_config(**overrides):
    return BertConfig(
        **{
            "vocab_size": 50,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "max_position_embeddings": 16,
            "initializer_range": 0.5,
        }
        | overrides
    )


def random_inputs(batch_size=3, length=10, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, length + 1, batch_size)
    mask = (np.arange(length) < lengths[:, None]).astype("int32")
    return {
        "input_word_ids": (rng.integers(5, 50, (batch_size, length)) * mask).astype("i4"),
        "input_mask": mask,
        "input_type_ids": (np.arange(length) >= lengths[:, None] // 2).astype("i4"),
        "masked_lm_positions": rng.integers(0, 4, (batch_size, 2)).astype("i4"),
    }


@pytest.mark.parametrize(
    ("size", "encoder", "with_heads"),
    [
        ("tiny", 4_385_920, 4_433_468),
        ("mini", 11_170_560, 11_267_900),
        ("small", 28_763_648, 29_058_876),
        ("medium", 41_373_184, 41_668_412),
        ("base", 109_482_240, 110_106_428),
        pytest.param("large", 335_141_888, 336_226_108, marks=pytest.mark.slow),
    ],
)
def test_parameter_counts_are_the_published_ones(size, encoder, with_heads):
    model = BertPretrainer(bert_size(size))

    assert model.bert.count_params() == encoder
    assert model.count_params() == with_heads


def test_parameter_count_of_base_cased():
    assert BertEncoder(bert_size("base", vocab_size=28996)).count_params() == 108_310_272


@pytest.mark.parametrize("dtype_policy", ["float32", "mixed_bfloat16"])
def test_model_saves_and_reloads(tmp_path, dtype_policy):
    model = BertPretrainer(small_config(dtype_policy=dtype_policy))
    inputs = random_inputs()
    model.save(tmp_path / "model.keras")

    reloaded = keras.models.load_model(tmp_path / "model.keras")

    assert reloaded.config == model.config
    assert [v.path for v in reloaded.variables] == [v.path for v in model.variables]
    for name in ("masked_lm_logits", "next_sentence_logits"):
        np.testing.assert_array_equal(model(inputs)[name], reloaded(inputs)[name])


def test_padding_does_not_change_the_tokens_before_it():
    encoder = BertEncoder(small_config())
    inputs = random_inputs(length=10)
    longer = {
        name: np.pad(values, ((0, 0), (0, 6)), constant_values=filler)
        for (name, values), filler in zip(inputs.items(), (7, 0, 1, 0), strict=True)
    }

    plain, padded = encoder(inputs), encoder(longer)

    mask = inputs["input_mask"].astype(bool)
    np.testing.assert_allclose(
        plain["sequence_output"].numpy()[mask],
        padded["sequence_output"].numpy()[:, :10][mask],
        atol=1e-4,
    )
    np.testing.assert_allclose(plain["pooled_output"], padded["pooled_output"], atol=1e-4)


@pytest.mark.parametrize("layer_norm", ["post", "pre"])
@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_some_output_positions_are_those_of_all(layer_norm, is_packed, training):
    encoder = BertEncoder(
        small_config(
            layer_norm=layer_norm,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    inputs = random_inputs()
    if is_packed:
        inputs["example_numbers"] = np.repeat([[1, 2]], 5, 1) * inputs["input_mask"]
        inputs["position_ids"] = np.tile(np.arange(5, dtype="i4"), (3, 2))
        inputs["cls_positions"] = np.tile(np.array([[0, 5]], "i4"), (3, 1))
    positions = np.array([[1, 3, 3], [0, 2, 5], [9, 4, 0]])

    whole = encoder(inputs, training=training)
    some = encoder(inputs, training=training, output_positions=positions)

    for name, expected in (
        (
            "sequence_output",
            np.take_along_axis(
                whole["sequence_output"].numpy(), positions[..., None], axis=1
            ),
        ),
        ("pooled_output", whole["pooled_output"]),
    ):
        np.testing.assert_allclose(some[name], expected, atol=1e-5)
    assert len(some["encoder_outputs"]) == len(whole["encoder_outputs"]) - 1


@pytest.mark.parametrize("name", ["input_word_ids", "input_mask", "input_type_ids"])
def test_each_input_matters(name):
    encoder = BertEncoder(small_config())
    inputs = random_inputs()
    changed = inputs | {name: np.ones_like(inputs[name]) - (inputs[name] == 1)}

    difference = encoder(inputs)["pooled_output"] - encoder(changed)["pooled_output"]

    assert np.abs(difference).max() > 1e-3


def test_float32_parts_stay_float32_under_mixed_bfloat16():
    model = BertPretrainer(small_config(dtype_policy="mixed_bfloat16"))

    inputs = random_inputs()
    outputs = model.bert(inputs) | model(inputs)

    assert outputs["sequence_output"].dtype == tf.bfloat16
    assert outputs["masked_lm_logits"].dtype == tf.float32
    assert outputs["next_sentence_logits"].dtype == tf.float32
    assert {v.dtype for v in model.trainable_variables} == {"float32"}


def test_mixed_bfloat16_is_near_float32():
    exact = BertEncoder(small_config())
    mixed = BertEncoder(small_config(dtype_policy="mixed_bfloat16"))
    mixed.set_weights(exact.get_weights())
    inputs = random_inputs()

    difference = tf.abs(
        exact(inputs)["sequence_output"]
        - tf.cast(mixed(inputs)["sequence_output"], tf.float32)
    )

    assert 0 < tf.reduce_mean(difference) < 0.05


def test_dropout_follows_from_the_seed():
    encoder = BertEncoder(small_config())
    inputs = random_inputs()

    def pooled(seed):
        outputs = encoder(inputs, training=True, dropout_seed=tf.constant(seed))
        return outputs["pooled_output"].numpy()

    np.testing.assert_array_equal(pooled([1, 2]), pooled([1, 2]))
    assert np.abs(pooled([1, 2]) - pooled([1, 3])).max() > 1e-3
    without_dropout = encoder(inputs)["pooled_output"]
    assert np.abs(pooled([1, 2]) - without_dropout).max() > 1e-3


def test_training_without_a_seed_still_drops():
    encoder = BertEncoder(small_config())
    inputs = random_inputs()

    first = encoder(inputs, training=True)["pooled_output"]
    second = encoder(inputs, training=True)["pooled_output"]

    assert np.abs(first - second).max() > 1e-3


def test_too_long_a_sequence_is_refused():
    encoder = BertEncoder(small_config())

    with pytest.raises(UserError, match=r"at most 16 tokens.*received 17"):
        encoder(random_inputs(length=17))
