"""Rows of different lengths side by side."""

from collections.abc import Sequence

import numpy as np

Row = dict[str, np.ndarray]

IGNORED = -100  # a label that no loss counts


def stack(rows: Sequence[Row], *, pad_id: int) -> Row:
    """Fills up to the longest row; there is no loss on what fills up.

    With pad_id 0 and rows whose `input_ids` are [5, 6] and [7]: [[5, 6], [7, 0]].

    Args:
        rows: arrays of the same names and ranks.
        pad_id: fills up `input_ids`; IGNORED fills up `labels`, and 0 all others.
    """
    filling = {"input_ids": pad_id, "labels": IGNORED}
    stacked = {}
    for name in rows[0]:
        arrays = [np.asarray(row[name]) for row in rows]
        shape = np.max([array.shape for array in arrays], axis=0).astype(int)
        stacked[name] = np.full(
            [len(arrays), *shape], filling.get(name, 0), arrays[0].dtype
        )
        for number, array in enumerate(arrays):
            stacked[name][(number, *map(slice, array.shape))] = array
    return stacked
