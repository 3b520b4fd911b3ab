"""A beginning for small models and little text: attention to the words beside.

What a trained BERT has in its first layers, heads that look one word back or ahead (Clark
et al. 2019, section 3.1), random weights have to find. On ten megabytes of text that
takes so long that a small model spends all of its training knowing no more than how
frequent words are. It can as well begin with it: attention that starts near what it will
become helps wherever data are few (Trockman and Kolter 2023). The architecture stays the
same, and training may change each of these weights.

The first units of the embeddings begin as positions alone and all others as words alone,
so that what a word is does not change where a head looks. The positions are sinusoids
(Vaswani et al. 2017, section 3.5): to move by k places is to turn each pair of a sine and
a cosine by an angle. So a query kernel that turns them, and a key kernel that leaves them
as they are, make each position look k places further.
"""

import itertools
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

# Short waves, of 6 to 19 positions, tell neighbours apart; enough of them, of no common
# period, tell all.
_FREQUENCIES = 0.93 ** np.arange(16)
# The logit of the place looked at, where that of others is around 0: it begins with over
# half of the attention, and gradients can still move it away.
_LOGIT = 10.0


def look_beside(
    *,
    position_embeddings: keras.Variable,
    other_embeddings: list[keras.Variable],
    query_kernel: keras.Variable,
    key_kernel: keras.Variable,
    num_heads: int,
    stddev: float,
) -> None:
    """Makes heads look at the word before, after, two before, two after, and so on.

    Args:
        position_embeddings: [positions, H]; become waves in the first of H units, up to
            32, and 0 in the others.
        other_embeddings: [.., H], of words and types; become 0 in those first units.
        query_kernel: [H, H] of the first layer; what looks beside is added.
        key_kernel: likewise.
        num_heads: of attention; divides H.
        stddev: of the word embeddings, and then of the positions.
    """
    num_positions, hidden_size = position_embeddings.shape
    head_size = hidden_size // num_heads
    num_pairs = min(len(_FREQUENCIES), head_size // 2)
    size = 2 * num_pairs

    positions = np.zeros([num_positions, hidden_size])
    positions[:, :size] = np.sqrt(2) * stddev * waves(num_positions, num_pairs)
    position_embeddings.assign(positions)
    for table in other_embeddings:
        table.assign(tf.where(np.arange(hidden_size) < size, 0.0, table))

    # Normalised, each unit is about 1, so the product of a place with itself is `size`.
    strength = np.sqrt(_LOGIT * np.sqrt(head_size) / size)
    offsets = list(itertools.islice(_offsets(), num_heads))
    for kernel, moves in ((query_kernel, offsets), (key_kernel, [0] * num_heads)):
        added = np.zeros([hidden_size, num_heads, head_size])
        for head, offset in enumerate(moves):
            added[:size, head, :size] = strength * turn(offset, num_pairs)
        kernel.assign_add(added.reshape(hidden_size, hidden_size))


def waves(num_positions: int, num_pairs: int) -> np.ndarray:
    """Sines in the even columns, cosines in the odd: float64 [positions, 2 * pairs]."""
    angles = np.arange(num_positions)[:, np.newaxis] * _FREQUENCIES[:num_pairs]
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(num_positions, -1)


def turn(offset: int, num_pairs: int) -> np.ndarray:
    """What makes of the waves at a place those `offset` places further.

    Returns:
        float64 [2 * pairs, 2 * pairs], to be multiplied with from the right.
    """
    kernel = np.zeros([2 * num_pairs] * 2)
    for pair, angle in enumerate(offset * _FREQUENCIES[:num_pairs]):
        place = slice(2 * pair, 2 * pair + 2)
        kernel[place, place] = [
            [np.cos(angle), -np.sin(angle)],
            [np.sin(angle), np.cos(angle)],
        ]
    return kernel


def _offsets() -> Iterator[int]:
    for distance in itertools.count(1):
        yield from (-distance, distance)
