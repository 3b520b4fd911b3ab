"""Records: TensorFlow reads what we write, and would write the same bytes."""

import hypothesis
import pytest
import tensorflow as tf
from hypothesis import strategies

from bert_tf import config
from bert_tf.data import records, schema

CONFIG = config.PretrainingDataConfig(max_seq_length=8, max_predictions_per_seq=2)
FEATURES = schema.pretraining_features(CONFIG)


def example_of(ids, weights=(1.0, 0.0)):
    return {
        "input_ids": ids,
        "input_mask": [1] * 6 + [0] * 2,
        "segment_ids": [0] * 4 + [1] * 2 + [0] * 2,
        "masked_lm_positions": [2, 0],
        "masked_lm_ids": [30_521, 0],
        "masked_lm_weights": weights,
        "next_sentence_labels": [1],
    }


@hypothesis.given(
    strategies.lists(strategies.integers(0, 2**40), min_size=8, max_size=8),
    strategies.tuples(
        strategies.floats(0, 1, width=32), strategies.floats(0, 1, width=32)
    ),
)
def test_protobuf_reads_every_value(ids, weights):
    values = example_of(ids, weights)
    read = tf.train.Example.FromString(records.encode_example(values, FEATURES))
    found = read.features.feature
    assert set(found) == {feature.name for feature in FEATURES}
    for feature in FEATURES:
        kind = "float_list" if feature.dtype == "float32" else "int64_list"
        assert list(getattr(found[feature.name], kind).value) == list(
            values[feature.role]
        )


def test_parse_example_reads_it_by_the_schema():
    values = example_of(list(range(100, 108)))
    parsed = tf.io.parse_example(
        [records.encode_example(values, FEATURES)],
        {each.name: tf.io.FixedLenFeature(each.shape, each.dtype) for each in FEATURES},
    )
    for feature in FEATURES:
        assert parsed[feature.name].numpy()[0].tolist() == list(values[feature.role])


def test_features_are_in_the_order_of_the_schema():
    encoded = records.encode_example(example_of([1] * 8), FEATURES)
    places = [
        encoded.index(b"\x0a" + bytes([len(each.name)]) + each.name.encode())
        for each in FEATURES
    ]
    assert places == sorted(places)


def test_wrong_values_are_errors():
    with pytest.raises(ValueError, match="Expected features"):
        records.encode_example(example_of([1] * 7), FEATURES)
    with pytest.raises(ValueError, match=r"range|at least 0"):
        records.encode_example(example_of([-1] * 8), FEATURES)


@hypothesis.given(strategies.lists(strategies.binary(max_size=300), max_size=5))
@hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_frames_are_the_bytes_of_tensorflows_writer(tmp_path, contents):
    path = tmp_path / "theirs.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for content in contents:
            writer.write(content)
    frames = [records.frame_record(content) for content in contents]
    assert path.read_bytes() == b"".join(frames)
    assert records.split_frames(b"".join(frames)) == frames
