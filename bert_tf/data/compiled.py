"""Functions over flat arrays that NumPy cannot express, compiled by Numba."""

from collections.abc import Callable

import numba


def compiled(function: Callable) -> Callable:
    """Compiles a function when it is first called; other threads can run meanwhile.

    The machine code is kept on disk for the next process, beside the source or in the
    user's cache folder; where neither can be written, each process compiles anew.
    """
    try:
        return numba.njit(function, cache=True, nogil=True)
    except RuntimeError:  # no folder for the cache
        return numba.njit(function, nogil=True)
