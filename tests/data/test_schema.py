"""The features: names, types and shapes of both name sets."""

import dataclasses

import numpy as np
import pytest

from bert_tf import config
from bert_tf.data import schema


def features_of(feature_names):
    return schema.masked_features(
        config.PretrainingDataConfig(
            max_seq_length=16, max_predictions_per_seq=3, feature_names=feature_names
        )
    )


@pytest.mark.parametrize(
    ("feature_names", "ids", "segments"),
    [
        ("original", "input_ids", "segment_ids"),
        ("model_garden", "input_word_ids", "input_type_ids"),
    ],
)
def test_names_types_and_shapes(feature_names, ids, segments):
    found = [(each.name, each.dtype, each.shape) for each in features_of(feature_names)]
    assert found == [
        (ids, "int64", (16,)),
        ("input_mask", "int64", (16,)),
        (segments, "int64", (16,)),
        ("masked_lm_positions", "int64", (3,)),
        ("masked_lm_ids", "int64", (3,)),
        ("masked_lm_weights", "float32", (3,)),
        ("next_sentence_labels", "int64", (1,)),
    ]


@pytest.mark.parametrize(
    "features_of_config", [schema.masked_features, schema.unmasked_features]
)
def test_only_pairs_have_a_label(features_of_config):
    pairs = config.PretrainingDataConfig()
    singles = dataclasses.replace(pairs, next_sentence=False)
    names = [each.name for each in features_of_config(pairs)]
    assert names[-1] == "next_sentence_labels"
    assert [each.name for each in features_of_config(singles)] == names[:-1]


def test_unmasked_examples_have_no_padding():
    found = schema.unmasked_features(config.PretrainingDataConfig())
    assert [(each.name, each.shape) for each in found] == [
        ("input_word_ids", ()),
        ("second_segment_start", (1,)),
        ("example_key", (1,)),
        ("next_sentence_labels", (1,)),
    ]


def test_roles_do_not_depend_on_the_names():
    original, model_garden = map(features_of, config.FEATURE_NAMES)
    assert [each.role for each in original] == [each.role for each in model_garden]


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("input_mask"),
        lambda values: values.update(extra=np.zeros((1, 1))),
        lambda values: values.update(input_ids=np.zeros((1, 17))),
    ],
)
def test_an_example_of_another_shape_is_an_error(change):
    features = features_of("original")
    values = {each.role: np.zeros((1, *each.shape)) for each in features}
    schema.check_values(values, features)
    change(values)
    with pytest.raises(ValueError, match=r"Expected .* received .* pad"):
        schema.check_values(values, features)
