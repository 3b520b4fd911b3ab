"""Tensors as TF Serving's JSON has them, read and written.

A string that is no text is an object {"b64": "..."}: always understood, and written for
outputs whose names end in _bytes. Floats that are no numbers are written as null, where
TF Serving writes NaN, which is no JSON.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import tensorflow as tf

from bert_tf.serving.local.errors import RequestError
from bert_tf.serving.protocol import BYTES_SUFFIX

_BASE64 = "b64"
_SHOWN_CHARACTERS = 100  # of a wrong value
_MAX_RANK = 64  # that NumPy has


def is_base64(value: Any) -> bool:
    """Whether a JSON value stands for bytes."""
    return (
        isinstance(value, dict)
        and value.keys() == {_BASE64}
        and isinstance(value[_BASE64], str)
    )


def decode_base64(value: dict[str, str]) -> bytes:
    """The bytes of an object for which `is_base64`."""
    try:
        return base64.b64decode(value[_BASE64], validate=True)
    except binascii.Error as error:
        raise RequestError("Unable to base64 decode") from error


def show(value: Any) -> str:
    """A wrong value, cut off where it is long."""
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # it reads deeper lists than it writes
        return "(deeply nested)"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def to_array(value: Any, dtype: tf.DType) -> np.ndarray:
    """The array of a JSON value.

    Args:
        value: a number, a string, or lists of them.
        dtype: of the tensor.

    Returns:
        An array; strings are bytes in one of objects.

    Raises:
        RequestError: values of other types, or lists of different lengths.
    """
    shape = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    if len(shape) > _MAX_RANK:
        raise RequestError(
            f"JSON Value: {show(value)} is nested in {len(shape)} levels; expected at "
            f"most {_MAX_RANK}"
        )
    leaves = [_to_leaf(leaf, dtype) for leaf in _leaves(value, shape, level=0)]
    array = np.empty(len(leaves), dtype.as_numpy_dtype)
    array[:] = leaves
    return array.reshape(shape)


def to_json(name: str, values: np.ndarray) -> Any:
    """What orjson writes of an output, with OPT_SERIALIZE_NUMPY.

    Args:
        name: of the output, which tells whether its strings are texts.
        values: all of it, or a row.
    """
    if isinstance(values, bytes):
        if name.endswith(BYTES_SUFFIX):
            return {_BASE64: base64.b64encode(values).decode()}
        return values.decode("utf-8", "replace")
    if values.dtype == object:
        return [to_json(name, each) for each in values]
    return np.ascontiguousarray(values) if values.ndim else values


def _leaves(value: Any, shape: list[int], *, level: int) -> Iterator[Any]:
    if not isinstance(value, list):
        if level != len(shape):
            raise RequestError(
                f"JSON Value: {show(value)} found at incorrect level: {level + 1} in the "
                f"JSON DOM. Expected at level: {len(shape)}"
            )
        yield value
        return
    if level >= len(shape):
        raise RequestError(
            f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        )
    if len(value) != shape[level]:
        raise RequestError(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for each in value:
        yield from _leaves(each, shape, level=level + 1)


def _to_leaf(value: Any, dtype: tf.DType) -> Any:
    if dtype == tf.string:
        if is_base64(value):
            return decode_base64(value)
        if isinstance(value, str):
            return value.encode()
    elif dtype.is_bool:
        if isinstance(value, bool):
            return value
    elif isinstance(value, int) and not isinstance(value, bool):
        if dtype.is_floating or dtype.min <= value <= dtype.max:
            return value
    elif isinstance(value, float) and dtype.is_floating:
        return value
    raise RequestError(
        f"JSON Value: {show(value)} Type: {_type_name(value)} is not of expected type: "
        f"{dtype.name}"
    )


def _type_name(value: Any) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    return {str: "String", dict: "Object"}.get(type(value), "Number")
