"""The features: names, types and shapes of both name sets."""

import pytest

from bert_tf import config
from bert_tf.data import schema


def features_of(feature_names):
    return schema.pretraining_features(
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


def test_roles_do_not_depend_on_the_names():
    original, model_garden = map(features_of, config.FEATURE_NAMES)
    assert [each.role for each in original] == [each.role for each in model_garden]


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("input_mask"),
        lambda values: values.update(extra=[1]),
        lambda values: values["input_ids"].append(1),
    ],
)
def test_an_example_of_another_shape_is_an_error(change):
    features = features_of("original")
    values = {each.role: [0] * each.shape[0] for each in features}
    schema.check_example(values, features)
    change(values)
    with pytest.raises(ValueError, match=r"Expected .* received .* pad"):
        schema.check_example(values, features)
