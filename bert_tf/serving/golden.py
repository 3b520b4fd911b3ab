"""What signatures answer to sample inputs, to be compared wherever the model runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.serving.protocol import EXAMPLES
from bert_tf.serving.samples import ALL_ROWS, SHORT_ROWS, input_names, sample_inputs
from bert_tf.serving.signatures import Signatures
from bert_tf.tasks.batches import to_plain

# Between two machines, by what the graph computes in.
TOLERANCES = {"float32": 1e-4, "float16": 0.1, "bfloat16": 0.1}


GoldenCase = dict[str, Any]


def golden_cases(signatures: Signatures) -> list[GoldenCase]:
    """A case for each signature: its name, its inputs and its outputs, as lists."""
    cases = []
    for name, function in signatures.items():
        # What is answered to ids may be all hidden units of all tokens; and examples
        # are no UTF-8, as JSON wants it, when they are long.
        is_short = set(input_names(function)) <= {*ENCODER_INPUTS, EXAMPLES}
        inputs = sample_inputs(signatures, name, SHORT_ROWS if is_short else ALL_ROWS)
        cases.append(
            {
                "signature": name,
                "inputs": _to_lists(inputs),
                "outputs": _to_lists(function(**inputs)),
            }
        )
    return cases


def golden_misses(
    signatures: Signatures, cases: Sequence[GoldenCase], *, tolerance: float
) -> list[str]:
    """What a loaded model answers otherwise, a line each; empty if nothing."""
    found = []
    for case in cases:
        name = case["signature"]
        function = signatures[name]
        _, specs = function.structured_input_signature
        outputs = function(
            **{
                key: tf.constant(values, specs[key].dtype)
                for key, values in case["inputs"].items()
            }
        )
        for key, expected in case["outputs"].items():
            if not _is_as_told(outputs[key].numpy(), expected, tolerance):
                found.append(f"{name} gives other {key} than the model")
    return found


def are_equal(received: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Whether shapes and values are the same, numbers within a tolerance.

    The tolerance is absolute up to 1 and relative beyond.
    """
    if received.shape != expected.shape:
        return False
    if received.dtype.kind == "f":
        return np.allclose(received, expected, rtol=tolerance, atol=tolerance)
    return np.array_equal(received, expected)


def _is_as_told(received: np.ndarray, expected: list, tolerance: float) -> bool:
    if received.dtype == object:
        return to_plain(received) == expected
    return are_equal(received, np.array(expected, received.dtype), tolerance)


def _to_lists(tensors: Mapping[str, tf.Tensor]) -> dict[str, list]:
    return {name: to_plain(values.numpy()) for name, values in tensors.items()}
