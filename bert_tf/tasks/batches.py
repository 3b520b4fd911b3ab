"""From Python's values to tensors of a batch, and back."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from bert_tf.data.raw_lines import Inputs


def string_tensor(values: Sequence, rank: int) -> tf.Tensor:
    """Strings of rank 1, or lists of strings of rank 2, filled up with empty ones."""
    if rank == 1:
        return tf.constant(values, tf.string)
    return tf.ragged.constant(values, dtype=tf.string, ragged_rank=1).to_tensor("")


def ask(
    function: Callable[..., Mapping[str, tf.Tensor]],
    ranks: Mapping[str, int],
    inputs: Iterable[Inputs],
    *,
    batch_size: int,
) -> Iterator[tuple[list[Inputs], dict[str, np.ndarray]]]:
    """Calls a function in batches.

    Args:
        function: from strings by name to tensors whose first axis is the batch.
        ranks: of its arguments, by their names.
        inputs: by the same names, strings or lists of strings.
        batch_size: inputs together.

    Yields:
        The inputs of each batch, and what the function gave for it.
    """
    inputs = iter(inputs)
    while batch := list(itertools.islice(inputs, batch_size)):
        outputs = function(
            **{
                name: string_tensor([each[name] for each in batch], rank)
                for name, rank in ranks.items()
            }
        )
        yield batch, {name: values.numpy() for name, values in outputs.items()}


def to_plain(value: Any) -> Any:
    """Bytes to text, arrays to lists and NumPy's numbers to Python's."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return [to_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value
