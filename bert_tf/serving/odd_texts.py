"""Texts that nobody means, which a server has to answer or refuse all the same."""

import numpy as np

ODD_TEXTS = (
    b"",
    b"word " * 20_000,
    b"\xff\xfe\xc3( \xf0\x9f\x92",  # no UTF-8
    "\U0001f9ff \ue000\ue001 \u3164".encode(),  # no token is known
    b"\0\x01 [CLS] [SEP]\r\n\t",
)
_PIECES = (
    "the",
    "cat",
    "[MASK]",
    "Bob",
    "é",
    "日本",
    ".",
    "\0",
    "##s",
    " ",
    "\U0001f9ff",
)
_MAX_PIECES = 40


def random_text(rng: np.random.Generator) -> bytes:
    """Bytes, code points (surrogates too) or words, in any number up to 40."""
    size = rng.integers(_MAX_PIECES + 1)
    kind = rng.integers(3)
    if kind == 0:
        return rng.bytes(size)
    if kind == 1:
        points = rng.integers(0x110000, size=size)
        return "".join(map(chr, points)).encode("utf-8", "surrogatepass")
    return "".join(rng.choice(_PIECES, size)).encode()
