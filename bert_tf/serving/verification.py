"""Proof that an exported model answers as it should, wherever it is and in any batch."""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.serving.golden import are_equal
from bert_tf.serving.odd_texts import ODD_TEXTS, random_text
from bert_tf.serving.ops import ALLOWED_OPS
from bert_tf.serving.protocol import DEFAULT_SIGNATURE, EXAMPLES
from bert_tf.serving.samples import (
    ALL_ROWS,
    input_names,
    sample_inputs,
    sample_texts,
    to_examples,
)
from bert_tf.serving.servable import Servable
from bert_tf.serving.signatures import Signatures
from bert_tf.serving.stored_model import is_compiled_by_xla, num_bytes, ops_of
from bert_tf.serving.stored_warmup import read_warmup
from bert_tf.serving.warmup import BATCH_SIZES, MAX_RECORDS
from bert_tf.tasks.answering import raw_answer_function

# Of one model's answers in one batch and in another.
_BATCH_TOLERANCES = {"float32": 1e-5, "float16": 0.1, "bfloat16": 0.1}
_MAX_SIZE = 1.02  # of the weights' own
_GRAPH_BYTES = 8_000_000  # of operations, at most
_WORD_BYTES = 200  # of a WordPiece in the tokenizer's tables
NUM_FUZZED = 5000  # texts
_FUZZED_AT_ONCE = 100
_SERVED_TYPES = (tf.float32, tf.int32, tf.string)


def raise_for(found: Sequence[str]) -> None:
    """Raises RuntimeError if there are any misses."""
    if found:
        raise RuntimeError(
            "Expected a SavedModel that answers as its model does, wherever it is "
            f"loaded; received: {'; '.join(found)}."
        )


def graph_misses(path: str, signatures: Signatures) -> list[str]:
    """What in a SavedModel a server could not take, a line each; empty if nothing.

    Args:
        path: of the SavedModel.
        signatures: of the loaded model.
    """
    foreign = set(ops_of(path)) - ALLOWED_OPS
    found = [f"the graph has {op}, which is not on the allow list" for op in foreign]
    if is_compiled_by_xla(path):
        found.append("a part of the graph is compiled by XLA, which servers have off")
    for name, function in signatures.items():
        inputs = function.structured_input_signature[1]
        outputs = function.structured_outputs
        for key, spec in outputs.items():
            if spec.dtype not in _SERVED_TYPES:
                found.append(f"{name} gives {key} as {spec.dtype.name}")
        for key, spec in {**inputs, **outputs}.items():
            if (
                spec.shape.rank is None
                or not spec.shape.rank
                or spec.shape[0] is not None
            ):
                found.append(f"{name} has {key} {spec.shape}, without a free batch")
    return found


def size_misses(path: str, *, num_weights: int, dtype: str, vocab_size: int) -> list[str]:
    """Whether the weights are on disk more than once.

    Args:
        path: of the SavedModel.
        num_weights: numbers in all variables.
        dtype: what they are stored in.
        vocab_size: WordPieces that the tokenizer knows.
    """
    variables = os.path.join(path, tf.saved_model.VARIABLES_DIRECTORY)
    graph = os.path.join(path, tf.saved_model.SAVED_MODEL_FILENAME_PB)
    received = num_bytes(variables) + tf.io.gfile.stat(graph).length
    allowed = (
        _MAX_SIZE * tf.as_dtype(dtype).size * num_weights
        + _WORD_BYTES * vocab_size
        + _GRAPH_BYTES
    )
    if received <= allowed:
        return []
    return [f"graph and weights take {received} bytes, more than {allowed:.0f}"]


def warmup_misses(path: str, signatures: Signatures) -> list[str]:
    """Whether a server could ask what it is to ask before it answers.

    Args:
        path: of the SavedModel.
        signatures: of the loaded model.
    """
    records = list(read_warmup(path))
    found = []
    for name, inputs in records:
        try:
            signatures[name](**inputs)
        except (tf.errors.OpError, TypeError) as error:
            found.append(f"{name} fails with a warmup record: {_first_line(error)}")
    if len(records) > MAX_RECORDS:
        found.append(f"{len(records)} warmup records are more than {MAX_RECORDS}")
    sizes = {
        tf.nest.flatten(inputs)[0].shape[0]
        for name, inputs in records
        if name == DEFAULT_SIGNATURE
    }
    found += [f"no warmup record has {size} inputs" for size in {*BATCH_SIZES} - sizes]
    return found


def batch_misses(signatures: Signatures, *, dtype: str) -> list[str]:
    """Whether answers depend on what else is in a batch, or on the padding.

    Args:
        signatures: of the loaded model.
        dtype: that the graph computes in. In 16 bits a text may go the other way where
            two are as good, so that numbers alone are compared.
    """
    found = set()
    for name, function in signatures.items():
        tensors = sample_inputs(signatures, name, ALL_ROWS)
        inputs = {key: values.numpy() for key, values in tensors.items()}
        together = _run(function, inputs)
        for how, row, answer in _ask_otherwise(function, inputs):
            for key in _differences(answer, _row(together, row), dtype=dtype):
                found.add(f"{name} gives other {key} to inputs that are {how}")
    return sorted(found)


def _ask_otherwise(
    function: Callable, inputs: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, int, dict[str, np.ndarray]]]:
    """How a row is asked, its number, and what it is answered, as a batch of one."""
    num_rows = len(next(iter(inputs.values())))
    for row in range(num_rows):
        yield "alone", row, _run(function, _row(inputs, row))
    order = np.random.default_rng(0).permutation(num_rows)
    shuffled = _run(function, {key: values[order] for key, values in inputs.items()})
    for place, row in enumerate(order):
        yield "shuffled", row, _row(shuffled, place)
    if set(inputs) <= set(ENCODER_INPUTS):
        for row in range(num_rows):
            yield "not padded", row, _run(function, _not_padded(_row(inputs, row)))


def odd_text_misses(signatures: Signatures) -> list[str]:
    """Whether odd texts get an answer of finite numbers, or a clear INVALID_ARGUMENT."""
    found = []
    for name, function in signatures.items():
        for text in ODD_TEXTS:
            inputs = _raw_inputs(signatures, name, 1, lambda size, t=text: [t] * size)
            if inputs:
                what = f"{name}, asked with {text[:20]!r},"
                found += _answer_misses(function, inputs, what)
    return found


def fuzz_misses(signatures: Signatures) -> list[str]:
    """Whether 5,000 random texts get answers of finite numbers.

    The signature that is asked with raw text by default is asked, in batches.
    """
    rng = np.random.default_rng(0)
    found = []
    for start in range(0, NUM_FUZZED, _FUZZED_AT_ONCE):
        inputs = _raw_inputs(
            signatures,
            DEFAULT_SIGNATURE,
            _FUZZED_AT_ONCE,
            lambda size: [random_text(rng) for _ in range(size)],
        )
        what = f"{DEFAULT_SIGNATURE}, asked with random texts from {start} on,"
        found += _answer_misses(signatures[DEFAULT_SIGNATURE], inputs, what)
    return found


def _answer_misses(
    function: Callable, inputs: Mapping[str, np.ndarray], what: str
) -> list[str]:
    """Whether each input gets an answer of finite numbers, or INVALID_ARGUMENT."""
    num_rows = len(next(iter(inputs.values())))
    try:
        outputs = _run(function, inputs)
    except tf.errors.InvalidArgumentError:
        if num_rows == 1:
            return []
        return [  # one of them has spoiled it for the others
            miss
            for row in range(num_rows)
            for miss in _answer_misses(function, _row(inputs, row), what)
        ]
    # The second: TensorFlow's Python quotes bytes that the graph cannot parse.
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        return [f"{what} fails: {_first_line(error)}"]
    found = []
    for key, values in outputs.items():
        if len(values) != num_rows:
            found.append(f"{what} gives {len(values)} of {key} to {num_rows} texts")
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            found.append(f"{what} gives no finite {key}")
    return found


def _raw_inputs(
    signatures: Signatures,
    name: str,
    num_rows: int,
    make: Callable[[int], list[bytes]],
) -> dict[str, np.ndarray]:
    """Made texts for all raw inputs of a signature; nothing if it takes none."""
    names = input_names(signatures[name])
    if EXAMPLES in names:
        texts = _raw_inputs(signatures, DEFAULT_SIGNATURE, num_rows, make)
        tensors = {key: tf.constant(values) for key, values in texts.items()}
        return {EXAMPLES: np.array(to_examples(tensors), object)}
    if set(names) <= set(ENCODER_INPUTS):
        return {}
    shapes = {key: each.shape[1:] for key, each in sample_texts(names, [0]).items()}
    return {
        key: np.array(make(num_rows * math.prod(shape)), object).reshape(-1, *shape)
        for key, shape in shapes.items()
    }


def prediction_misses(signatures: Signatures, servable: Servable) -> list[str]:
    """Whether raw text is answered as by bert_tf.predict, which asks the model itself.

    Args:
        signatures: of the loaded model.
        servable: what was exported.
    """
    texts = sample_texts(list(servable.task.raw_inputs), ALL_ROWS)
    inputs = {name: values.numpy() for name, values in texts.items()}
    expected = _run(raw_answer_function(servable.task, servable.model), inputs)
    received = _run(signatures[DEFAULT_SIGNATURE], inputs)
    return [
        f"{DEFAULT_SIGNATURE} gives other {key} than bert_tf.predict"
        for key in _differences(received, expected, dtype=servable.dtype)
    ]


def _run(function: Callable, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    outputs = function(**{name: tf.constant(each) for name, each in inputs.items()})
    return {name: values.numpy() for name, values in outputs.items()}


def _row(arrays: Mapping[str, np.ndarray], row: int) -> dict[str, np.ndarray]:
    return {name: values[row : row + 1] for name, values in arrays.items()}


def _not_padded(packed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without the last columns, in which no sequence has a token."""
    mask = packed["input_mask"]
    columns = mask.reshape(-1, mask.shape[-1]).any(axis=0).nonzero()[0]
    return {name: ids[..., : columns[-1] + 1] for name, ids in packed.items()}


def _differences(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray], *, dtype: str
) -> Iterator[str]:
    """The names of what differs, as far as both are filled: a batch's longest decides."""
    for name in first:
        if first[name].dtype.kind != "f" and dtype != "float32":
            continue
        shape = np.minimum(first[name].shape, second[name].shape)
        common = tuple(map(slice, shape))
        tolerance = _BATCH_TOLERANCES[dtype]
        if not are_equal(first[name][common], second[name][common], tolerance):
            yield name


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
