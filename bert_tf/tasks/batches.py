"""From Python's values to tensors of a batch, and back."""

import collections
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


def without_filling(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a batch without what its lists are filled up with to the longest row.

    That is told from lists that belong together, which are of one length and the same up
    to the last _ of their names: what stands where all texts are "" to the end is none.

    Args:
        answer: of plain values by the names of an exported model's outputs.
    """
    together = collections.defaultdict(list)
    for name, values in answer.items():
        if isinstance(values, list):
            together[name.rpartition("_")[0], len(values)].append(name)
    answer = dict(answer)
    for names in together.values():
        # Not of lists of lists or of numbers alone.
        texts = [
            answer[name]
            for name in names
            if all(isinstance(v, str) for v in answer[name])
        ]
        if texts:
            rows = [any(row) for row in zip(*texts, strict=True)]
            num_filled = len(rows) - rows[::-1].index(True) if any(rows) else 0
            answer |= {name: answer[name][:num_filled] for name in names}
    return answer
