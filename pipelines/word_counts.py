"""Counts the words of a corpus with Beam, whatever its size."""

import collections
import contextlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from absl import logging
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from bert_tf.data.documents import BadDocument, ByteRange, Document
from bert_tf.errors import UserError
from pipelines import progress, sources

# Now and then a byte is wrong in any large corpus; more than that is another format.
MAX_BAD_SHARE = 0.01  # of the bytes
_MAX_DISTINCT_WORDS = 1 << 18  # that a worker holds before it hands them on
# Words are the same wherever sentences and documents end.
_READ_AS = dict.fromkeys(("sentences", "prose", "prose_files"), "lines")
_TALLIES = "tallies"  # the tag of an output
_GOOD = "good"  # beside the reasons of BadDocuments


class Tally(NamedTuple):
    """How many documents there are of a kind."""

    num_documents: int
    num_bytes: int
    example: str  # where one of them is, and what is wrong with it


def count_words(
    files: Sequence[sources.InputFile],
    *,
    input_format: str,
    text_field: str,
    lower_case: bool,
    work_dir: str,
    options: PipelineOptions,
) -> dict[str, int]:
    """Counts the words of documents.

    Args:
        files: from `sources.find_inputs`.
        input_format: of `bert_tf.config.INPUT_FORMATS`.
        text_field: of the objects of jsonl, or the column of parquet.
        lower_case: whether words are lower-cased and stripped of accents.
        work_dir: an empty folder that all workers can write to; the counts pass
            through files in it, since most runners return nothing else.
        options: of Beam.

    Returns:
        Each word of at most 200 characters and how often it occurs.

    Raises:
        UserError: a file is damaged, or more than a hundredth of the text cannot be used.
    """
    read_as = _READ_AS.get(input_format, input_format)
    with beam.Pipeline(options=options) as pipeline:
        counted = (
            pipeline
            | "Ranges" >> beam.Create(sources.work_units(files, read_as))
            | "SpreadRanges" >> beam.Reshuffle()
            | "CountInBlocks"
            >> beam.ParDo(
                CountWords(
                    input_format=read_as,
                    text_field=text_field,
                    lower_case=lower_case,
                    progress_dir=None if "://" in work_dir else work_dir,
                )
            ).with_outputs(_TALLIES, main="counts")
        )
        _ = (
            counted.counts
            | "SumCounts" >> beam.CombinePerKey(sum)
            | "FormatCounts" >> beam.Map(json.dumps)
            | "WriteCounts" >> _write_lines(f"{work_dir}/counts")
        )
        _ = (
            counted[_TALLIES]
            | "SumTallies" >> beam.CombinePerKey(_sum_tallies)
            | "FormatTallies" >> beam.Map(json.dumps)
            | "WriteTallies" >> _write_lines(f"{work_dir}/tallies")
        )
    tallies = _read_pairs(f"{work_dir}/tallies*")
    _check_read({kind: Tally(*tally) for kind, tally in tallies.items()})
    return _read_pairs(f"{work_dir}/counts*")


def _write_lines(prefix: str) -> beam.io.WriteToText:
    # S3 refuses what Beam does to make an empty file.
    return beam.io.WriteToText(prefix, skip_if_empty=True)


def _check_read(tallies: dict[str, Tally]) -> None:
    num_bytes = sum(tally.num_bytes for tally in tallies.values())
    bad = {kind: tally for kind, tally in sorted(tallies.items()) if kind != _GOOD}
    if not bad:
        return
    if damaged := bad.get("damaged_file"):
        raise UserError(
            f"--input: expected complete files, received {damaged.example}; replace it."
        )
    bad_share = sum(tally.num_bytes for tally in bad.values()) / max(num_bytes, 1)
    found = f"{bad_share:.1%} of the text in parts that cannot be used: " + ", ".join(
        f"{tally.num_documents} {reason} ({tally.example})"
        for reason, tally in bad.items()
    )
    if bad_share > MAX_BAD_SHARE:
        raise UserError(
            f"--input: expected text in UTF-8 as --input_format tells, received {found}; "
            "correct --input_format or --text_field, convert (iconv -t UTF-8) or repair "
            "the files."
        )
    logging.warning("Left out %s.", found)


@contextlib.contextmanager
def work_folder(output: str) -> Iterator[str]:
    """Makes an empty folder beside a file that is to be written; removes it in the end.

    Args:
        output: a path on any file system that Beam knows.

    Yields:
        The folder's path.

    Raises:
        UserError: it cannot be written, so that `output` could not be either.
    """
    path = f"{sources.absolute_path(output)}.{uuid.uuid4().hex}.tmp"
    try:
        if "://" not in path:  # an object store has no folders
            if not os.path.isdir(os.path.dirname(path)):
                raise BeamIOError("no such folder")
            if os.path.isdir(output):
                raise BeamIOError("a folder")
        FileSystems.mkdirs(path)
        with FileSystems.create(f"{path}/probe") as file:
            file.write(b"\n")
    except Exception as error:  # each file system has its own
        raise UserError(
            f"--output: expected a file that can be written, received {output!r} "
            f"({error}); check that its folder exists and is writable."
        ) from error
    try:
        yield path
    finally:
        FileSystems.delete([f"{path}/" if "://" in path else path])


class CountWords(beam.DoFn):
    """Lists of ByteRanges -> (word, count) pairs, summed over much of their text.

    With the tag `_TALLIES` it gives pairs of a kind of documents and a Tally.
    """

    def __init__(
        self,
        *,
        input_format: str,
        text_field: str,
        lower_case: bool,
        progress_dir: str | None,
    ):
        self._input_format = input_format
        self._text_field = text_field
        self._lower_case = lower_case
        self._progress_dir = progress_dir

    def setup(self):
        """Loads the tables, once for each worker."""
        from bert_tf.data.word_splitting import WordSplitter

        self._splitter = WordSplitter(lower_case=self._lower_case)

    def process(self, ranges):
        """Reads the ranges a block of documents at a time."""
        counts: collections.Counter[bytes] = collections.Counter()
        for block in sources.blocks(self._read(ranges)):
            counts.update(self._words(block))
            if len(counts) > _MAX_DISTINCT_WORDS:
                yield from _decoded(counts)
                counts.clear()
            tallies = _tallies(block)
            for pair in tallies.items():
                yield beam.pvalue.TaggedOutput(_TALLIES, pair)
            num_bytes = sum(tally.num_bytes for tally in tallies.values())
            progress.report(self._progress_dir, progress.READ_BYTES, num_bytes)
        yield from _decoded(counts)

    def _read(self, ranges: Iterable[ByteRange]) -> Iterator[Document | BadDocument]:
        for byte_range in ranges:
            yield from sources.read_range(
                byte_range,
                input_format=self._input_format,
                text_field=self._text_field,
                language=None,  # where sentences end makes no difference either
            )

    def _words(self, block: Sequence[Document | BadDocument]) -> list[bytes]:
        texts = [each.text for each in block if isinstance(each, Document)]
        return self._splitter.split(texts).flat_values.numpy().tolist() if texts else []


def _tallies(block: Sequence[Document | BadDocument]) -> dict[str, Tally]:
    """The Tally of each kind that a block has."""
    kinds = collections.defaultdict(list)
    for each in block:
        kinds[each.reason if isinstance(each, BadDocument) else _GOOD].append(each)
    return {
        kind: Tally(
            num_documents=len(documents),
            num_bytes=sum(each.num_bytes for each in documents),
            example=_example(documents[0]),
        )
        for kind, documents in kinds.items()
    }


def _example(document: Document | BadDocument) -> str:
    if isinstance(document, Document):
        return ""
    return f"{document.path!r} at {document.offset}: {document.detail}"


def _sum_tallies(tallies: Iterable[Sequence]) -> Tally:
    """The sum of at least one."""
    num_documents, num_bytes, examples = zip(*tallies, strict=True)
    return Tally(sum(num_documents), sum(num_bytes), min(examples))


def _decoded(counts: dict[bytes, int]) -> Iterator[tuple[str, int]]:
    from bert_tf.data.word_splitting import MAX_WORD_LENGTH

    decoded = ((word.decode(), count) for word, count in counts.items())
    return ((word, count) for word, count in decoded if len(word) <= MAX_WORD_LENGTH)


def _read_pairs(pattern: str) -> dict[str, Any]:
    """What Beam has written to files, a JSON array of a key and a value a line."""
    pairs = {}
    for match in FileSystems.match([pattern])[0].metadata_list:
        with FileSystems.open(match.path) as file:
            pairs.update(map(json.loads, file.read().splitlines()))
    return pairs
