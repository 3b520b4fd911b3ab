"""tf.Examples of the JSON that classify and regress are given."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from bert_tf.serving.local.errors import RequestError
from bert_tf.serving.local.tensors import decode_base64, is_base64, show

Features = Mapping[str, tf.train.Feature]


def to_examples(request: Mapping[str, Any]) -> np.ndarray:
    """The serialized examples of a request, each with the features of the context.

    Args:
        request: `examples`, a list of objects, and `context`, an object, if there is one.

    Returns:
        Bytes in an array of objects.

    Raises:
        RequestError: it has no examples, or values that are no features.
    """
    rows = request.get("examples")
    if not isinstance(rows, list) or not rows:
        raise RequestError(
            f"JSON Value: {show(request)} When method is classify, key 'examples' is "
            "expected to be a list/array with a value"
        )
    context = _to_features(request.get("context", {}))
    examples = np.empty(len(rows), object)
    for number, row in enumerate(rows):
        features = tf.train.Features(feature={**context, **_to_features(row)})
        examples[number] = tf.train.Example(features=features).SerializeToString()
    return examples


def _to_features(row: Any) -> Features:
    if not isinstance(row, dict):
        raise RequestError(f"Example must be JSON object but got JSON {show(row)}")
    return {
        name: _to_feature(name, value if isinstance(value, list) else [value])
        for name, value in row.items()
    }


def _to_feature(name: str, values: list) -> tf.train.Feature:
    if all(isinstance(value, str) or is_base64(value) for value in values):
        texts = [
            value.encode() if isinstance(value, str) else decode_base64(value)
            for value in values
        ]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=texts))
    if all(isinstance(value, int) for value in values):  # False and True as well
        if all(tf.int64.min <= value <= tf.int64.max for value in values):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    elif all(isinstance(value, float) for value in values):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    raise RequestError(
        f"Feature: {name} has element with unexpected JSON type: {show(values)}"
    )
