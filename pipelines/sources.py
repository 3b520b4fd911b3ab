"""Where documents come from: text files on any file system that Beam knows."""

import dataclasses
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent import futures
from typing import BinaryIO

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from bert_tf.data import documents, manifest, parquet, readers, vocab
from bert_tf.data.decompression import open_text
from bert_tf.errors import UserError

# Small enough to keep several workers busy and to show progress on a small corpus.
RANGE_BYTES = 16 << 20
# Handled in one call, whose own cost vanishes beside this much text.
BLOCK_BYTES = 1 << 20
BLOCK_DOCUMENTS = 1 << 16  # for those that have no bytes, as the nulls of Parquet
_NUM_CONNECTIONS = 16  # to look into files that may be far away
# How much larger English text is than its compressed file, by the file name's ending.
_COMPRESSION_RATIO = {".gz": 2.7, ".bz2": 3.5, ".xz": 3.5, ".lzma": 3.5, ".zst": 3.0}


@dataclasses.dataclass(frozen=True)
class InputFile:
    """One file to read."""

    path: str  # absolute
    num_bytes: int  # as stored
    last_changed_seconds: float  # since 1970; 0 where the file system does not tell
    row_group_bytes: tuple[int, ...] = ()  # of a Parquet file: about how much text

    @property
    def compression_ratio(self) -> float:
        """Estimated bytes of text for each stored byte; exactly 1 if not compressed."""
        return _COMPRESSION_RATIO.get(os.path.splitext(self.path)[1], 1)

    @property
    def text_bytes(self) -> float:
        """How much text it holds; exact if it is not compressed."""
        return sum(self.row_group_bytes) or self.num_bytes * self.compression_ratio

    def ranges(self, input_format: str = "sentences") -> list[documents.ByteRange]:
        """The parts to read it in; a compressed file can only be read as a whole."""
        if input_format == "parquet":
            return [
                documents.ByteRange(self.path, start=number, end=number + 1)
                for number in range(len(self.row_group_bytes))
            ]
        is_whole = input_format == "prose_files" or self.compression_ratio != 1
        return documents.byte_ranges(
            self.path,
            size=self.num_bytes,
            range_bytes=self.num_bytes if is_whole else RANGE_BYTES,
        )


def absolute_path(path: str) -> str:
    """The path as workers can use it, whose current folder may be another one.

    Args:
        path: on any file system that Beam knows.
    """
    return path if "://" in path else os.path.abspath(path)


def find_inputs(
    patterns: Sequence[str],
    *,
    input_format: str = "sentences",
    text_field: str = "text",
) -> list[InputFile]:
    """The files that glob patterns match, each once, sorted by path; empty ones too.

    Args:
        patterns: paths or globs of any file system that Beam knows.
        input_format: Parquet files are looked into.
        text_field: the column that they must have.

    Raises:
        UserError: a pattern matches nothing or a folder, or all files are empty; or one
            is no Parquet file or has no such column.
    """
    found: dict[str, InputFile] = {}
    for pattern in patterns:
        try:
            # Beam finds nothing for a glob without a folder.
            matches = FileSystems.match([absolute_path(pattern)])[0].metadata_list
        except (BeamIOError, ValueError) as error:
            raise UserError(
                f"--input: expected text files, received {pattern!r}, which cannot be "
                f"listed ({error}); check the path and the access to it."
            ) from error
        if not matches:
            raise UserError(
                f"--input: expected text files, received {pattern!r}, which matches "
                "none; check the path."
            )
        for match in matches:
            if os.path.isdir(match.path):
                raise UserError(
                    f"--input: expected text files, received the folder {match.path!r}; "
                    f"write {match.path.rstrip('/')}/* for the files in it."
                )
            if "://" not in match.path and not os.access(match.path, os.R_OK):
                raise UserError(
                    f"--input: expected files that can be read, received {match.path!r} "
                    "without the permission; change it."
                )
            found[match.path] = InputFile(
                path=match.path,
                num_bytes=match.size_in_bytes,
                last_changed_seconds=match.last_updated_in_seconds or 0.0,
            )
    if not any(file.num_bytes for file in found.values()):
        raise UserError(
            f"--input: expected text, received {len(found)} empty files for "
            f"{','.join(patterns)}; name others."
        )
    files = [found[path] for path in sorted(found)]
    if input_format != "parquet":
        return files
    with futures.ThreadPoolExecutor(_NUM_CONNECTIONS) as pool:
        sizes = pool.map(lambda file: _row_group_bytes(file.path, text_field), files)
    return [
        dataclasses.replace(file, row_group_bytes=size)
        for file, size in zip(files, sizes, strict=True)
    ]


def _row_group_bytes(path: str, text_field: str) -> tuple[int, ...]:
    with _open_stored(path) as stored:
        return parquet.row_group_bytes(stored, path, text_field)


def _open_stored(path: str) -> BinaryIO:
    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def load_vocabulary(path: str) -> vocab.Vocabulary:
    """Reads a vocabulary file as `bert_tf.data.vocab` does, but by Beam.

    Beam knows file systems that TensorFlow does not, and has the user's credentials.

    Args:
        path: on any file system that Beam knows.

    Raises:
        UserError: the file cannot be read, or is no vocabulary.
    """
    try:
        with FileSystems.open(path) as file:
            content = file.read()
    except Exception as error:  # each file system has its own
        raise UserError(
            f"Expected a vocabulary file, received {path!r}, which cannot be read "
            f"({error}); check the path and the access to it."
        ) from error
    return vocab.parse_vocabulary(content, path)


def summarize_inputs(files: Iterable[InputFile]) -> manifest.Inputs:
    """What the manifest tells of the input, and what a second run compares."""
    files = list(files)
    digest = hashlib.sha256()
    for file in files:
        parts = (file.path, file.num_bytes, file.last_changed_seconds)
        digest.update("".join(f"{part}\0" for part in parts).encode())
    return manifest.Inputs(
        num_files=len(files),
        num_bytes=sum(file.num_bytes for file in files),
        digest=digest.hexdigest(),
    )


def work_units(
    files: Iterable[InputFile], input_format: str
) -> list[list[documents.ByteRange]]:
    """The ranges of all files, small ones together: what a worker reads at a time."""
    units: list[list[documents.ByteRange]] = []
    unit_bytes = RANGE_BYTES  # of the last unit
    for file in files:
        ranges = file.ranges(input_format)
        for byte_range in ranges:
            if unit_bytes >= RANGE_BYTES:
                units.append([])
                unit_bytes = 0
            units[-1].append(byte_range)
            unit_bytes += file.text_bytes / len(ranges)
    return units


def estimate_text_bytes(files: Iterable[InputFile]) -> int:
    """How much text the files hold; exact where none is compressed."""
    return int(sum(file.text_bytes for file in files))


class _RemoteFile(io.RawIOBase):
    """A file elsewhere. That it cannot be read is no damage: Beam is to try again."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer) -> int:
        try:
            return self._file.readinto(buffer)
        except OSError as error:
            raise RuntimeError(f"Cannot be read: {error}") from error


def read_range(
    byte_range: documents.ByteRange,
    *,
    input_format: str,
    text_field: str,
    language: str | None,
) -> Iterator[documents.Document | documents.BadDocument]:
    """The documents of a range, as `bert_tf.data.readers.read_documents`.

    A local file that cannot be opened is a BadDocument too (reason `damaged_file`).

    Raises:
        OSError: a file elsewhere could not be opened.
        RuntimeError: it could not be read. Beam tries again then.
    """
    path = byte_range.path
    is_local = "://" not in path
    try:
        with _open_stored(path) as stored:
            file = stored if is_local else io.BufferedReader(_RemoteFile(stored))
            yield from readers.read_documents(
                file if input_format == "parquet" else open_text(file, path),
                byte_range,
                input_format=input_format,
                text_field=text_field,
                language=language,
            )
    except OSError as error:
        if not is_local:
            raise
        yield documents.BadDocument(path, byte_range.start, 0, "damaged_file", str(error))


def blocks(
    found: Iterable[documents.Document | documents.BadDocument],
) -> Iterator[list[documents.Document | documents.BadDocument]]:
    """About a megabyte of documents at a time."""
    block: list[documents.Document | documents.BadDocument] = []
    num_bytes = 0
    for document in found:
        block.append(document)
        num_bytes += document.num_bytes
        if num_bytes >= BLOCK_BYTES or len(block) >= BLOCK_DOCUMENTS:
            yield block
            block, num_bytes = [], 0
    if block:
        yield block
