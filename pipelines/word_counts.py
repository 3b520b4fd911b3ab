"""Counts the words of a corpus with Beam, whatever its size."""

import collections
import os
import uuid
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import apache_beam as beam
from absl import logging
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from bert_tf.data import readers
from bert_tf.data.documents import ByteRange
from bert_tf.errors import UserError
from pipelines import progress, sources

BLOCK_BYTES = 4 << 20  # split in one call, and counted before Beam sees a word
_DAMAGED = "damaged"
_BAD_LINES = "bad_lines"
# Now and then a byte is wrong in any large corpus; more than that is another encoding.
MAX_BAD_LINES_SHARE = 0.01


def count_words(
    files: Sequence[sources.InputFile],
    *,
    lower_case: bool,
    work_dir: str,
    options: PipelineOptions,
) -> dict[str, int]:
    """Counts the words of text files.

    Args:
        files: from `sources.find_inputs`.
        lower_case: whether words are lower-cased and stripped of accents.
        work_dir: an empty folder that all workers can write to; the counts pass
            through files in it, since most runners return nothing else.
        options: of Beam.

    Returns:
        Each word of at most 200 characters and how often it occurs.

    Raises:
        UserError: a compressed file is damaged, or more than a hundredth of the lines
            are not UTF-8.
    """
    with beam.Pipeline(options=options) as pipeline:
        counted = (
            pipeline
            | "Ranges" >> beam.Create([part for file in files for part in file.ranges()])
            | "SpreadRanges" >> beam.Reshuffle()
            | "CountInBlocks"
            >> beam.ParDo(
                CountWords(
                    lower_case=lower_case,
                    progress_dir=None if "://" in work_dir else work_dir,
                )
            ).with_outputs(_DAMAGED, _BAD_LINES, main="counts")
        )
        _ = (
            counted.counts
            | "Sum" >> beam.CombinePerKey(sum)
            | "Format" >> beam.MapTuple(lambda word, count: f"{word} {count}")
            | "WriteCounts" >> beam.io.WriteToText(f"{work_dir}/counts")
        )
        damaged = counted[_DAMAGED]
        _ = (
            counted[_BAD_LINES]
            | "SumBadLines" >> beam.CombinePerKey(sum)
            | "FormatBadLines" >> beam.MapTuple(lambda kind, count: f"{kind} {count}")
            | "WriteBadLines" >> beam.io.WriteToText(f"{work_dir}/bad_lines")
        )
        _ = damaged | "WriteDamaged" >> beam.io.WriteToText(f"{work_dir}/damaged")
    for line in _read_lines(f"{work_dir}/damaged*"):
        raise UserError(
            f"--input: expected complete files, received {line}; replace the file."
        )
    _check_bad_lines(_read_counts(f"{work_dir}/bad_lines*"))
    return _read_counts(f"{work_dir}/counts*")


def _check_bad_lines(lines: dict[str, int]) -> None:
    num_bad, num_lines = lines.get("bad", 0), lines.get("all", 0)
    if num_bad > MAX_BAD_LINES_SHARE * num_lines:
        raise UserError(
            f"--input: expected text in UTF-8, received {num_bad} of {num_lines} lines "
            "that are not; convert the files (iconv -t UTF-8)."
        )
    if num_bad:
        logging.warning("%d of %d lines are not UTF-8.", num_bad, num_lines)


def make_work_dir(output: str) -> str:
    """Makes an empty folder beside the file that is to be written.

    Args:
        output: a path on any file system that Beam knows.

    Returns:
        The folder's path.

    Raises:
        UserError: it cannot be made, so that `output` could not be written either.
    """
    path = f"{sources.absolute_path(output)}.{uuid.uuid4().hex}.tmp"
    parent = FileSystems.split(path)[0]
    try:
        if not FileSystems.exists(parent):
            raise BeamIOError("no such folder")
        if os.path.isdir(output):
            raise BeamIOError("a folder")
        FileSystems.mkdirs(path)
    except (BeamIOError, OSError, ValueError) as error:
        raise UserError(
            f"--output: expected a file that can be written, received {output!r} "
            f"({error}); check that its folder exists and is writable."
        ) from error
    return path


def read_blocks(stream: BinaryIO, byte_range: ByteRange) -> Iterator[bytes]:
    """The lines that begin in a range of a file, in blocks of whole lines.

    Args:
        stream: the decompressed file; seekable unless the range starts at 0.
        byte_range: which part; cut anywhere.

    Yields:
        bytes of about BLOCK_BYTES; all ranges of a file together hold it once.
    """
    position = byte_range.start
    if position:
        # The line that holds the byte before the range belongs to another range.
        stream.seek(position - 1)
        position += len(stream.readline()) - 1
    while byte_range.end is None or position < byte_range.end:
        left = BLOCK_BYTES if byte_range.end is None else byte_range.end - position
        block = stream.read(min(BLOCK_BYTES, left))
        if not block:
            return
        if not block.endswith(b"\n"):
            block += stream.readline()
        position += len(block)
        yield block


class CountWords(beam.DoFn):
    """ByteRange -> (word, count) pairs, summed over about BLOCK_BYTES of text."""

    def __init__(self, *, lower_case: bool, progress_dir: str | None):
        self._lower_case = lower_case
        self._progress_dir = progress_dir

    def setup(self):
        """Loads the tables, once for each worker."""
        from bert_tf.data.word_splitting import WordSplitter

        self._splitter = WordSplitter(lower_case=self._lower_case)

    def process(self, byte_range):
        """Yields pairs; tagged: what is wrong with a file, and how many lines are."""
        path = byte_range.path
        stored = CompressionTypes.UNCOMPRESSED
        with FileSystems.open(path, compression_type=stored) as raw:
            text = sources.open_text(raw, path)
            try:
                for block in read_blocks(text, byte_range):
                    yield from self._count(block).items()
                    for pair in (("all", block.count(b"\n")), ("bad", _bad_lines(block))):
                        yield beam.pvalue.TaggedOutput(_BAD_LINES, pair)
                    progress.report(self._progress_dir, progress.READ_BYTES, len(block))
            except readers.DAMAGE as error:
                if text is raw:
                    raise
                yield beam.pvalue.TaggedOutput(_DAMAGED, f"{path!r} ({error})")

    def _count(self, block: bytes) -> collections.Counter[str]:
        from bert_tf.data.word_splitting import MAX_WORD_LENGTH

        words = self._splitter.split(block.split(b"\n")).flat_values.numpy()
        counts = collections.Counter(words.tolist())
        decoded = {word.decode("utf-8"): count for word, count in counts.items()}
        return collections.Counter(
            {word: n for word, n in decoded.items() if len(word) <= MAX_WORD_LENGTH}
        )


def _bad_lines(block: bytes) -> int:
    """How many lines of a block are not UTF-8."""
    try:
        block.decode("utf-8")
        return 0
    except UnicodeDecodeError:
        return sum(
            line.decode("utf-8", "replace") != line.decode("utf-8", "ignore")
            for line in block.split(b"\n")
        )


def _read_counts(pattern: str) -> dict[str, int]:
    pairs = (line.rsplit(" ", 1) for line in _read_lines(pattern))
    return {key: int(count) for key, count in pairs}


def _read_lines(pattern: str) -> Iterator[str]:
    for match in FileSystems.match([pattern])[0].metadata_list:
        with FileSystems.open(match.path) as file:
            for line in file.read().decode("utf-8").split("\n"):
                if line:
                    yield line
