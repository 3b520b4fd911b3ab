"""From the bytes of a text file to documents, and from tokens to one compact payload.

A file is lines that end in a line feed; blank lines separate documents, and so does the
end of a file. Files are read by byte range, so that many workers can share a large one.
"""

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from bert_tf.data import sentences

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# `bytes.strip` knows no Unicode spaces; a line can be blank only if it starts with one
# of them, and those are not ASCII save for the four separators.
_ASCII_SEPARATORS = range(0x1C, 0x20)


@dataclasses.dataclass(frozen=True)
class ByteRange:
    """A part of a file."""

    path: str
    start: int  # bytes
    end: int | None  # bytes, exclusive; None: to the end of the file


@dataclasses.dataclass(frozen=True)
class Document:
    """The sentences of one document, white space normalised, none of them empty."""

    path: str
    offset: int  # of its first byte (of the decompressed file)
    num_bytes: int
    text: bytes

    def key(self) -> bytes:
        """16 bytes that depend on the content alone: same content, same key."""
        return hashlib.blake2b(self.text, digest_size=16).digest()


@dataclasses.dataclass(frozen=True)
class BadDocument:
    """A document that cannot be used."""

    path: str
    offset: int  # of its first line, in bytes (of the decompressed file)
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


def read_documents(
    stream: BinaryIO, byte_range: ByteRange, *, input_format: str
) -> Iterator[Document | BadDocument]:
    """The documents that belong to a range of a file.

    A document belongs to the range that holds the start of the last blank line before
    it, the first document of a file to the range that starts at 0. So every document is
    in exactly one range, wherever the ranges are cut. Its last lines may be beyond the
    range's end.

    Args:
        stream: the decompressed file; seekable unless the range starts at 0.
        byte_range: which part.
        input_format: `sentences`, a sentence a line, or `prose`, hard-wrapped text whose
            lines are joined and split into sentences.

    Yields:
        Documents with at least one sentence, and a BadDocument (reason `not_utf8`) in
        place of each that is not valid UTF-8.
    """
    for offset, lines in _read_blocks(stream, byte_range):
        try:
            text = b"\n".join(lines).decode("utf-8")
        except UnicodeDecodeError as error:
            yield BadDocument(
                path=byte_range.path,
                offset=offset,
                num_bytes=sum(map(len, lines)),
                reason="not_utf8",
                detail=f"byte 0x{error.object[error.start]:02x}: {error.reason}",
            )
            continue
        yield Document(
            path=byte_range.path,
            offset=offset,
            num_bytes=sum(map(len, lines)),
            text="\n".join(_sentences_of(text, input_format)).encode(),
        )


def _sentences_of(text: str, input_format: str) -> tuple[str, ...]:
    if input_format == "prose":
        return tuple(sentences.split_sentences(text))
    # Not splitlines: that would also break at U+2028 and others inside a sentence.
    return tuple(" ".join(line.split()) for line in text.split("\n"))


def _read_blocks(
    stream: BinaryIO, byte_range: ByteRange
) -> Iterator[tuple[int, list[bytes]]]:
    """The offset and the lines of each block between blank lines that is in the range."""
    position = byte_range.start
    owned = position == 0
    if not owned:
        # From the last byte before the range, so that a line which starts with the range
        # is not taken for the rest of another.
        stream.seek(position - 1)
        position += len(stream.readline()) - 1
    block: list[bytes] = []
    block_offset = 0
    while line := stream.readline():
        text = line.removeprefix(_BYTE_ORDER_MARK) if position == 0 else line
        if _is_blank(text):
            if block:
                yield block_offset, block
                block = []
            if byte_range.end is not None and position >= byte_range.end:
                return
            owned = True
        elif owned:
            if not block:
                block_offset = position
            block.append(text.strip())
        elif byte_range.end is not None and position >= byte_range.end:
            return  # a document of an earlier range reaches beyond this one
        position += len(line)
    if block:
        yield block_offset, block


def _is_blank(line: bytes) -> bool:
    stripped = line.strip()
    if not stripped:
        return True
    if stripped[0] < 0x80 and stripped[0] not in _ASCII_SEPARATORS:
        return False
    return not stripped.decode("utf-8", errors="replace").strip()
