"""Documents, and from their tokens to one compact payload."""

import dataclasses
import hashlib


@dataclasses.dataclass(frozen=True)
class ByteRange:
    """A part of a file: bytes, or row groups of a Parquet file."""

    path: str
    start: int
    end: int | None  # exclusive; None: to the end of the file


@dataclasses.dataclass(frozen=True)
class Document:
    """One text and where it was found.

    Places are bytes of the decompressed file, markup and line ends included; in a Parquet
    file `offset` is the number of the row and `num_bytes` the size of its text.
    """

    path: str
    offset: int  # of its first byte
    num_bytes: int  # from there to its last byte
    # UTF-8. A line feed between sentences, or paragraphs that were left whole, none of
    # them empty; no white space around them, and one space for each run of it within.
    text: bytes

    def key(self) -> bytes:
        """16 bytes that depend on the content alone: same content, same key."""
        return hashlib.blake2b(self.text, digest_size=16).digest()


@dataclasses.dataclass(frozen=True)
class BadDocument:
    """A document that cannot be used, or a part of a file that is none."""

    path: str
    offset: int  # as of a Document
    num_bytes: int
    reason: str  # a fixed word, to be counted by
    detail: str  # for people


def byte_ranges(path: str, *, size: int, range_bytes: int) -> list[ByteRange]:
    """Cuts a file into ranges of at most `range_bytes`; a small one stays whole.

    Args:
        path: carried along.
        size: of the file, in bytes.
        range_bytes: at least 1.

    Returns:
        Ranges that cover the file without overlap, in order.
    """
    if size <= range_bytes:
        return [ByteRange(path=path, start=0, end=None)]
    return [
        ByteRange(path=path, start=start, end=min(start + range_bytes, size))
        for start in range(0, size, range_bytes)
    ]
