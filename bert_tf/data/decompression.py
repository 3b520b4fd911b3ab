"""Files that may be compressed, and what tells that one is damaged."""

import bz2
import gzip
import io
import lzma
import os
import zlib
from typing import BinaryIO

import zstandard

# What reading a damaged file raises.
DAMAGE = (EOFError, OSError, lzma.LZMAError, zlib.error)


def open_text(raw: BinaryIO, path: str) -> BinaryIO:
    """Decompresses a file by the ending of its name.

    Not with Beam's own reader, which takes a truncated file for a complete one.

    Args:
        raw: the file as it is stored.
        path: its name; .gz, .bz2, .xz, .lzma and .zst are compressed.

    Returns:
        A buffered binary stream, seekable if `raw` is and it is not compressed. Reading
        damaged content raises one of DAMAGE.
    """
    match os.path.splitext(path)[1]:
        case ".gz":
            return gzip.GzipFile(fileobj=raw)
        case ".bz2":
            return bz2.BZ2File(raw)
        case ".xz" | ".lzma":
            return lzma.LZMAFile(raw)
        case ".zst":
            return io.BufferedReader(_ZstdReader(raw), buffer_size=1 << 17)
        case _:
            return raw


class _ZstdReader(io.RawIOBase):
    """Frames one after the other; zstandard's own reader ignores a truncated end."""

    def __init__(self, raw: BinaryIO):
        self._raw = raw
        self._frame = None
        self._text = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._text:
            between_frames = self._frame is None or self._frame.eof
            rest = self._frame.unused_data if self._frame and between_frames else b""
            # So little that no text of this size is too large for the memory.
            compressed = rest or self._raw.read(1 << 10)
            if between_frames:
                if not compressed:
                    return 0
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            elif not compressed:
                raise EOFError("the file ends within a frame")
            try:
                self._text = self._frame.decompress(compressed)
            except zstandard.ZstdError as error:
                raise OSError(str(error)) from error
        size = min(len(buffer), len(self._text))
        buffer[:size], self._text = self._text[:size], self._text[size:]
        return size
