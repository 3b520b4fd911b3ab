"""Bodies of requests to bodies of responses, as TF Serving's REST interface has them.

https://github.com/tensorflow/serving/blob/master/tensorflow_serving/g3doc/api_rest.md
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import tensorflow as tf
from google.protobuf import json_format

from bert_tf.serving.local.errors import RequestError
from bert_tf.serving.local.examples import to_examples
from bert_tf.serving.local.models import Model, VersionStatus
from bert_tf.serving.local.tensors import is_base64, show, to_array, to_json


def status(statuses: Sequence[VersionStatus]) -> bytes:
    """What GET /v1/models/NAME answers."""
    return _dump(
        {
            "model_version_status": [
                {
                    "version": str(each.version),
                    "state": each.state,
                    "status": {
                        "error_code": "UNKNOWN" if each.error_message else "OK",
                        "error_message": each.error_message,
                    },
                }
                for each in statuses
            ]
        }
    )


def metadata(name: str, model: Model) -> bytes:
    """What GET /v1/models/NAME/metadata answers."""
    signature_defs = {
        signature_name: json_format.MessageToDict(
            signature_def,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        for signature_name, signature_def in model.signature_defs.items()
    }
    return _dump(
        {
            "model_spec": {
                "name": name,
                "signature_name": "",
                "version": str(model.version),
            },
            "metadata": {"signature_def": {"signature_def": signature_defs}},
        }
    )


def predict(model: Model, body: bytes) -> bytes:
    """What POST /v1/models/NAME:predict answers.

    Raises:
        RequestError: the body is none that the model can answer.
    """
    request = _load(body)
    name = _signature_name(request)
    infos = model.signature_def(name).inputs
    dtypes = {key: tf.as_dtype(info.dtype) for key, info in infos.items()}
    is_rows = "instances" in request
    if is_rows and "inputs" in request:
        raise RequestError(
            f"JSON Value: {show(request)} Not formatted correctly expecting only one of "
            "'inputs' or 'instances' keys to exist"
        )
    if is_rows:
        columns = _columns_of_rows(request["instances"], list(dtypes))
        return _dump_rows(model.run(name, _to_arrays(columns, dtypes)))
    if "inputs" not in request:
        raise RequestError("Missing 'inputs' or 'instances' key")
    columns = _columns(request["inputs"], list(dtypes))
    return _dump_columns(model.run(name, _to_arrays(columns, dtypes)))


def classify(model: Model, body: bytes) -> bytes:
    """What POST /v1/models/NAME:classify answers.

    Raises:
        RequestError: the body is none that the model can answer.
    """
    outputs = _run_examples(model, body)
    if not {"classes", "scores"} & outputs.keys():
        raise RequestError("Expected classification signature outputs classes or scores")
    rows = len(next(iter(outputs.values())))
    scores = outputs.get("scores")
    labels = outputs.get("classes")
    if labels is None:
        labels = np.full(scores.shape, b"", object)
    if scores is None:
        scores = np.zeros(labels.shape, np.float32)
    return _dump(
        {
            "results": [
                [
                    [to_json("classes", label), score]
                    for label, score in zip(labels[row], scores[row], strict=True)
                ]
                for row in range(rows)
            ]
        }
    )


def regress(model: Model, body: bytes) -> bytes:
    """What POST /v1/models/NAME:regress answers.

    Raises:
        RequestError: the body is none that the model can answer.
    """
    outputs = _run_examples(model, body)
    if "outputs" not in outputs:
        raise RequestError("Expected regression signature output outputs")
    return _dump({"results": np.ascontiguousarray(outputs["outputs"].reshape(-1))})


def error(message: str) -> bytes:
    """The body of a response that tells what was wrong."""
    return _dump({"error": message})


def _run_examples(model: Model, body: bytes) -> dict[str, np.ndarray]:
    request = _load(body)
    name = _signature_name(request)
    inputs = model.signature_def(name).inputs
    if set(inputs) != {"inputs"}:
        raise RequestError(
            f"Expected a signature whose one input is inputs, received one with "
            f"{sorted(inputs)}"
        )
    return model.run(name, {"inputs": to_examples(request)})


def _load(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(
            f"JSON Parse error: {error.msg} at offset: {error.pos}"
        ) from error
    if not isinstance(request, dict):
        raise RequestError(f"JSON Value: {show(request)} Is not object")
    return request


def _signature_name(request: Mapping[str, Any]) -> str:
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise RequestError(
            f"JSON Value: {show(request)} not formatted correctly. 'signature_name' key "
            "must be a string value."
        )
    return name


def _columns_of_rows(rows: Any, names: Sequence[str]) -> dict[str, list]:
    """The values of each input, of a list of rows."""
    if not isinstance(rows, list):
        raise RequestError(
            f"JSON Value: {show(rows)} Excepting 'instances' to be an list/array"
        )
    if not rows:
        raise RequestError("JSON Value: [] No values in 'instances' array")
    if not _is_named(rows[0]):
        if len(names) > 1:
            raise RequestError(
                "instances is a plain list, but expecting list of objects as multiple "
                "input tensors required as per tensorinfo_map"
            )
        for number, row in enumerate(rows):
            if _is_named(row):
                raise RequestError(
                    f"Expecting value/list but got object at item {number} of input list"
                )
        return {names[0]: rows}
    for number, row in enumerate(rows):
        if not _is_named(row):
            raise RequestError(
                f"Expecting object but got list at item {number} of input list"
            )
        if row.keys() != set(names):
            raise RequestError(
                f"Failed to process element: {number} of 'instances' list. JSON object: "
                f"{show(row)} keys must be equal to: {','.join(sorted(names))}"
            )
    return {name: [row[name] for row in rows] for name in names}


def _columns(inputs: Any, names: Sequence[str]) -> dict[str, Any]:
    """The values of each input, of an object of them or the one there is."""
    if not _is_named(inputs):
        if len(names) > 1:
            raise RequestError(
                "inputs is a plain value/list, but expecting an object as multiple input "
                "tensors required as per tensorinfo_map"
            )
        return {names[0]: inputs}
    for name in names:
        if name not in inputs:
            raise RequestError(f"Missing named input: {name} in 'inputs' object.")
    return {name: inputs[name] for name in names}


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _to_arrays(
    columns: Mapping[str, Any], dtypes: Mapping[str, tf.DType]
) -> dict[str, np.ndarray]:
    return {name: to_array(values, dtypes[name]) for name, values in columns.items()}


def _dump_rows(outputs: Mapping[str, np.ndarray]) -> bytes:
    sizes = {
        name: len(values) if values.ndim else None for name, values in outputs.items()
    }
    num_rows = next(iter(sizes.values()))
    for name, size in sizes.items():
        if size is None:
            raise RequestError(f"Tensor name: {name} has no shape information")
        if size != num_rows:
            raise RequestError(
                f"Tensor name: {name} has inconsistent batch size: {size} expecting: "
                f"{num_rows}"
            )
    rows = [
        {name: to_json(name, values[row]) for name, values in outputs.items()}
        for row in range(num_rows)
    ]
    return _dump({"predictions": [_without_single_name(row) for row in rows]})


def _dump_columns(outputs: Mapping[str, np.ndarray]) -> bytes:
    columns = {
        name: to_json(name, values if values.ndim else values[()])
        for name, values in outputs.items()
    }
    return _dump({"outputs": _without_single_name(columns)})


def _without_single_name(values: dict[str, Any]) -> Any:
    """A single output is written without its name."""
    return values if len(values) > 1 else next(iter(values.values()))


def _dump(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
