"""Records: TensorFlow reads what we write, and would write the same frames."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from bert_tf import config
from bert_tf.data import records, schema

CONFIG = config.PretrainingDataConfig(max_seq_length=8, max_predictions_per_seq=2)
FEATURES = schema.masked_features(CONFIG)
UNMASKED = schema.unmasked_features(CONFIG)


def values_of(ids, weights=((1.0, 0.0),)):
    count = len(ids)

    def repeated(*numbers):
        return np.tile(np.array(numbers, np.int32), (count, 1))

    return {
        "input_ids": np.array(ids),
        "input_mask": repeated(1, 1, 1, 1, 1, 1, 0, 0).astype(bool),
        "segment_ids": repeated(0, 0, 0, 0, 1, 1, 0, 0),
        "masked_lm_positions": repeated(2, 0),
        "masked_lm_ids": repeated(30_521, 0),
        "masked_lm_weights": np.tile(np.array(weights, np.float32), (count, 1))[:count],
        "next_sentence_labels": repeated(1),
    }


def encode(values, features=FEATURES, lengths=None):
    count = len(values["input_ids"])
    lengths = np.zeros(count, np.int64) if lengths is None else np.array(lengths)
    return records.encode_records(values, features, lengths=lengths).tobytes()


def read(path, content):
    path.write_bytes(content)
    return [record.numpy() for record in tf.data.TFRecordDataset(str(path))]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("records") / "some.tfrecord"


rows = strategies.lists(strategies.integers(0, 2**62), min_size=8, max_size=8)


@hypothesis.given(
    strategies.lists(rows, min_size=1, max_size=5),
    strategies.tuples(
        strategies.floats(0, 1, width=32), strategies.floats(0, 1, width=32)
    ),
)
def test_tensorflow_reads_every_value(path, ids, weights):
    values = values_of(ids, [weights])
    found = read(path, encode(values))
    assert len(found) == len(ids)
    for row, record in enumerate(found):
        read_features = tf.train.Example.FromString(record).features.feature
        assert set(read_features) == {feature.name for feature in FEATURES}
        for feature in FEATURES:
            kind = "float_list" if feature.dtype == "float32" else "int64_list"
            assert (
                list(getattr(read_features[feature.name], kind).value)
                == values[feature.role][row].tolist()
            )


@hypothesis.given(strategies.lists(rows, min_size=1, max_size=5))
def test_frames_are_the_bytes_of_tensorflows_writer(path, ids):
    content = encode(values_of(ids))
    found = read(path, content)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in found:
            writer.write(record)
    assert path.read_bytes() == content


def test_features_of_variable_length_are_cut(path):
    values = {
        "input_ids": np.arange(16, dtype=np.int32).reshape(2, 8),
        "second_segment_start": np.array([[3], [0]]),
        "example_key": np.array([[2**63 - 1], [0]]),
        "next_sentence_labels": np.array([[1], [0]]),
    }
    found = read(path, encode(values, UNMASKED, lengths=[5, 0]))
    examples = [tf.train.Example.FromString(record).features.feature for record in found]
    assert list(examples[0]["input_word_ids"].int64_list.value) == [0, 1, 2, 3, 4]
    assert list(examples[1]["input_word_ids"].int64_list.value) == []
    assert list(examples[0]["example_key"].int64_list.value) == [2**63 - 1]


def test_parse_example_reads_it_by_the_schema(path):
    values = values_of([list(range(100, 108))])
    parsed = tf.io.parse_example(
        read(path, encode(values)),
        {each.name: tf.io.FixedLenFeature(each.shape, each.dtype) for each in FEATURES},
    )
    for feature in FEATURES:
        np.testing.assert_array_equal(parsed[feature.name], values[feature.role])


def test_features_are_in_the_order_of_the_schema(path):
    (encoded,) = read(path, encode(values_of([[1] * 8])))
    places = [
        encoded.index(b"\x0a" + bytes([len(each.name)]) + each.name.encode())
        for each in FEATURES
    ]
    assert places == sorted(places)


def test_no_examples_are_no_bytes():
    assert encode(values_of(np.zeros((0, 8), np.int32))) == b""


def test_wrong_values_are_errors():
    with pytest.raises(ValueError, match="Expected features"):
        encode(values_of([[1] * 7]))
    with pytest.raises(ValueError, match="at least 0"):
        encode(values_of([[-1] * 8]))
