"""Batches of encoded examples, in an order that the seed and the epoch decide.

Batches of rows of like length would have the least padding, but a token of a short row
would weigh more than one of a long row. So a batch is any rows, in the order of their
lengths, and is computed in parts, each of which is trimmed: the gradient is the whole
batch's.

Shapes: B rows of a batch, S tokens of its longest.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

Row = dict[str, np.ndarray]

# Sequences are filled up to multiples of it, or of an eighth of the next power of 2 if
# that is more: each other length is compiled anew.
LENGTH_UNIT = 16
# Of each row: how wide its arrays are to be, in the order of their names.
_WIDTHS = "widths"


class RowBatches:
    """The batches of all epochs.

    Args:
        rows: dictionaries of the same names, whose arrays differ in size; the scalar
            `weight` is among them.
        batch_size: rows. The last batch of an epoch is filled up with rows of weight 0.
        pad_id: fills `input_word_ids` up; 0 the others.
        seed: of the order.
    """

    def __init__(self, rows: Sequence[Row], *, batch_size: int, pad_id: int, seed: int):
        self._rows = rows
        self._longest = {
            name: max(np.shape(row[name])[-1] for row in rows)
            for name, values in (rows[0] if rows else {}).items()
            if np.ndim(values)
        }
        # Of all arrays: a row may be short in one and long in another, such as a target.
        self._lengths = np.array([sum(map(np.size, row.values())) for row in rows])
        self._batch_size = batch_size
        self._pad_id = pad_id
        self._seed = seed

    @property
    def num_batches(self) -> int:
        """Of an epoch."""
        return -(-len(self._rows) // self._batch_size)

    def epoch(self, number: int) -> tf.data.Dataset:
        """The batches of an epoch: dictionaries of tensors, to be trimmed."""
        first = self._collate([0])
        signature = {
            name: tf.TensorSpec(
                [self._batch_size, *[None] * (values.ndim - 1)], values.dtype
            )
            for name, values in first.items()
        }
        batches = tf.data.Dataset.from_generator(
            lambda: map(self._collate, self._order(number)), output_signature=signature
        )
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.OFF
        )
        return (
            batches.apply(tf.data.experimental.assert_cardinality(self.num_batches))
            .prefetch(2)
            .with_options(options)
        )

    def _order(self, epoch: int) -> Iterator[np.ndarray]:
        """The numbers of the rows of each batch."""
        rng = np.random.default_rng([self._seed, epoch])
        shuffled = rng.permutation(len(self._rows))
        for start in range(0, len(shuffled), self._batch_size):
            batch = shuffled[start : start + self._batch_size]
            yield batch[np.argsort(self._lengths[batch], kind="stable")]

    def _collate(self, numbers: Sequence[int]) -> Row:
        rows = [self._rows[number] for number in numbers]
        num_missing = self._batch_size - len(rows)
        rows += [rows[0] | {"weight": np.float32(0)}] * num_missing
        widths = [
            [self._width(name, np.shape(row[name])[-1]) for name in sorted(self._longest)]
            for row in rows
        ]
        stacked = {
            name: self._stack(name, [np.asarray(row[name]) for row in rows])
            for name in rows[0]
        }
        return stacked | {_WIDTHS: np.array(widths, np.int32)}

    def _width(self, name: str, length: int) -> int:
        return min(_round_up(length), self._longest[name])

    def _stack(self, name: str, arrays: Sequence[np.ndarray]) -> np.ndarray:
        shape = np.max([array.shape for array in arrays], axis=0).astype(int)
        if len(shape):
            shape[-1] = self._width(name, int(shape[-1]))
        fill = self._pad_id if name == "input_word_ids" else 0
        stacked = np.full([len(arrays), *shape], fill, arrays[0].dtype)
        for number, array in enumerate(arrays):
            stacked[(number, *map(slice, array.shape))] = array
        return stacked


def trim(part: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Some of the rows, at least one, without columns that are padding in all of them."""
    part = dict(part)
    widths = tf.reduce_max(part.pop(_WIDTHS), axis=0)
    names = sorted(name for name, values in part.items() if values.shape.rank > 1)
    return part | {
        name: part[name][..., : widths[number]] for number, name in enumerate(names)
    }


def _round_up(length: int) -> int:
    unit = max(LENGTH_UNIT, (1 << (length - 1).bit_length()) // 8)
    return -(-length // unit) * unit
