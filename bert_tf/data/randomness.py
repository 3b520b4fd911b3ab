"""Random numbers that follow from what they are for, not from what was drawn before.

A *stream* is 64 bits that name a use of randomness, such as the pairs of one document in
one pass. It is made by folding numbers into a seed, and it starts a generator of its own.
So it does not matter in which order, process or batch the uses come.

Source: SplitMix64 of Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators", figure 17.
"""

import numba
import numpy as np

from bert_tf.data.compiled import compiled

# Numba makes floats of uint64 and Python's integers together, so all are uint64.
_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
_11, _27, _30, _31, _32 = map(np.uint64, (11, 27, 30, 31, 32))


@compiled
def _scramble(bits):
    bits = (bits ^ (bits >> _30)) * _FIRST_FACTOR
    bits = (bits ^ (bits >> _27)) * _SECOND_FACTOR
    return bits ^ (bits >> _31)


@numba.vectorize(["uint64(uint64, uint64)"])
def fold_in(stream, number):
    """The stream that a number names within another stream, element by element.

    Args:
        stream: uint64, any shape.
        number: uint64, any shape.

    Returns:
        uint64. `fold_in(fold_in(s, 1), 2)` and `fold_in(fold_in(s, 2), 1)` have nothing
        in common.
    """
    return _scramble(_scramble(stream + _INCREMENT) ^ number)


@compiled
def draw(state):
    """64 random bits.

    Args:
        state: uint64 [1]: a stream to begin with, changed by each draw.
    """
    state[0] += _INCREMENT
    return _scramble(state[0])


@compiled
def draw_below(state, limit):
    """A random integer of at least 0 and below `limit`, which is at most 2**32.

    Some are likelier than others by less than limit / 2**32.
    """
    return np.int64(((draw(state) >> _32) * np.uint64(limit)) >> _32)


@compiled
def draw_share(state):
    """A random number of at least 0 and below 1."""
    return np.float64(draw(state) >> _11) * 2.0**-53
