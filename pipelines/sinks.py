"""Where shards and the files beside them go: any file system that Beam knows.

Everything is written under a temporary name and renamed, the manifest last of all.
"""

import contextlib
import gzip
import hashlib
import json
import os
import platform
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata

import apache_beam as beam
import numpy as np
from apache_beam.io.aws import s3io
from apache_beam.io.filesystem import CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems

import bert_tf
from bert_tf.config import PretrainingDataConfig
from bert_tf.data import documents, examples, manifest
from bert_tf.data.vocab import Vocabulary
from bert_tf.errors import UserError
from pipelines import buckets, report, sources

DEAD_LETTER_NAME = "dead_letter.jsonl"
# Holds what is not finished. A job that was killed leaves it behind; the next removes it.
UNFINISHED_NAME = ".unfinished"
# Not the vocabulary, which the user may have put there to read it from.
_SHARDS = tuple(f"{split}-*-of-*.tfrecord*" for split in manifest.SPLITS)
_BESIDE_SHARDS = (DEAD_LETTER_NAME, report.REPORT_NAME)
_NUM_FREQUENT_WORDS = 40
_TOOLS = ("tensorflow", "tensorflow-text", "apache-beam", "sentencex")


def write_atomically(output: str, name: str, *parts: bytes | np.ndarray) -> None:
    """Writes a file that appears complete or not at all.

    Args:
        output: a folder that has an `.unfinished` folder in it.
        name: of the file; an existing one is replaced.
        *parts: of its content, bytes or uint8 [bytes].
    """
    unfinished = FileSystems.join(output, UNFINISHED_NAME, f"{name}.{uuid.uuid4().hex}")
    if output.startswith("s3://") and not any(map(len, parts)):
        _create_empty_on_s3(unfinished)
    else:
        with FileSystems.create(
            unfinished, compression_type=CompressionTypes.UNCOMPRESSED
        ) as file:
            for part in parts:
                file.write(part)
    FileSystems.rename([unfinished], [FileSystems.join(output, name)])


def _create_empty_on_s3(path: str) -> None:
    # Beam uploads in parts, and S3 refuses to make an object of none at all.
    options = FileSystems.get_filesystem(path)._options
    bucket, key = s3io.parse_s3_path(path)
    s3io.S3IO(options=options).client.client.put_object(Bucket=bucket, Key=key)


def has_manifest(output: str) -> bool:
    """Whether a folder holds a complete data set.

    Raises:
        UserError: the folder's file system does not answer.
    """
    with _failures_told(output):
        return FileSystems.exists(FileSystems.join(output, manifest.MANIFEST_NAME))


def load_manifest(output: str) -> manifest.Manifest:
    """Reads the manifest of a data set as `bert_tf.data.manifest` does, but by Beam.

    Args:
        output: a folder that has one, on any file system that Beam knows.

    Raises:
        UserError: it is of another version or damaged, or a shard is not there as a
            whole.
    """
    with FileSystems.open(FileSystems.join(output, manifest.MANIFEST_NAME)) as file:
        found = manifest.parse_manifest(file.read().decode(), output)
    shards = _files(output, _SHARDS)
    manifest.check_shards(
        found, {os.path.basename(shard.path): shard.size_in_bytes for shard in shards}
    )
    return found


def has_shards(output: str) -> bool:
    """Whether a job has written a shard to a folder, if only an empty one."""
    return bool(_files(output, _SHARDS))


def count_bad_documents(output: str) -> int:
    """How many documents the dead letter of a job lists."""
    path = FileSystems.join(output, DEAD_LETTER_NAME)
    if not FileSystems.exists(path):
        return 0
    with FileSystems.open(path) as lines:
        return sum(1 for _ in lines)


def check_unclaimed(output: str, vocab_digest: str) -> None:
    """Checks that a job would replace nothing that it did not write.

    Args:
        output: a folder without a manifest, or none yet.
        vocab_digest: of the vocabulary that the job puts there.

    Raises:
        UserError: there are shards that no killed job has left, or another vocabulary;
            or the folder's file system does not answer.
    """
    with _failures_told(output):
        if FileSystems.exists(FileSystems.join(output, UNFINISHED_NAME)):
            return
        found = [shard.path for shard in _files(output, _SHARDS)]
        own_vocabulary = FileSystems.join(output, manifest.VOCABULARY_NAME)
        if FileSystems.exists(own_vocabulary):
            try:
                is_other = sources.load_vocabulary(own_vocabulary).digest != vocab_digest
            except UserError:
                is_other = True
            if is_other:
                found.append(own_vocabulary)
    if found:
        raise UserError(
            f"--output: expected a folder for a new data set, received {output!r} with "
            f"{found[0]!r} in it; choose another folder or add --overwrite."
        )


def empty_output(output: str) -> None:
    """Removes the data set that a folder holds, complete or not.

    Args:
        output: a folder, made if it is missing.

    Raises:
        UserError: the folder cannot be written.
    """
    with _failures_told(output):
        _remove(output, [manifest.MANIFEST_NAME])  # first: from now on incomplete
        _remove(output, [*_SHARDS, *_BESIDE_SHARDS, _unfinished_files(output)])
        unfinished = FileSystems.join(output, UNFINISHED_NAME)
        FileSystems.mkdirs(unfinished)
        # An object store makes any folder, but may refuse what is to be in it.
        probe = FileSystems.join(unfinished, "probe")
        with FileSystems.create(probe) as file:
            file.write(b"\n")
        FileSystems.delete([probe])


@contextlib.contextmanager
def _failures_told(output: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each file system has its own
        raise UserError(
            f"--output: expected a folder that can be written, received {output!r} "
            f"({error}); check the path and the access to it."
        ) from error


@contextlib.contextmanager
def prepared_output(output: str) -> Iterator[str | None]:
    """Empties a folder of data sets while a job writes to it, and cleans up after it.

    The shards of the job are removed too if the folder has no manifest in the end.

    Args:
        output: a folder, made if it is missing.

    Yields:
        Where the workers report progress; None if they may not share a local disk.

    Raises:
        UserError: the folder cannot be written.
    """
    is_local = "://" not in output
    is_new = is_local and not FileSystems.exists(output)
    empty_output(output)
    try:
        yield FileSystems.join(output, UNFINISHED_NAME) if is_local else None
    finally:
        _remove(output, [_unfinished_files(output)])
        if not has_manifest(output):
            _remove(output, _SHARDS)
            if is_new and not count_bad_documents(output):
                FileSystems.delete([output])


def _unfinished_files(output: str) -> str:
    # Object stores have no folders, only names that begin alike.
    return f"{UNFINISHED_NAME}/*" if "://" in output else UNFINISHED_NAME


def _remove(output: str, patterns: Sequence[str]) -> None:
    paths = [file.path for file in _files(output, patterns)]
    if paths:
        FileSystems.delete(paths)


def _files(output: str, patterns: Sequence[str]) -> list[FileMetadata]:
    matches = FileSystems.match([FileSystems.join(output, each) for each in patterns])
    return [file for match in matches for file in match.metadata_list]


def dead_letter(bad_documents: Iterable[documents.BadDocument]) -> bytes:
    """A JSON object a line for each document that could not be used, sorted by place."""
    lines = (
        json.dumps(
            {
                "file": bad.path,
                "offset": bad.offset,
                "num_bytes": bad.num_bytes,
                "reason": bad.reason,
                "detail": bad.detail,
            },
            ensure_ascii=False,
        )
        for bad in sorted(bad_documents, key=lambda bad: (bad.path, bad.offset))
    )
    return "".join(f"{line}\n" for line in lines).encode()


def tool_versions() -> dict[str, str]:
    """The versions of what the bytes of the data set may depend on."""
    versions = {"bert_tf": bert_tf.__version__, "python": platform.python_version()}
    return versions | {tool: metadata.version(tool) for tool in _TOOLS}


def write_shard(
    output: str,
    name: str,
    parts: Sequence[np.ndarray],
    *,
    num_examples: int,
    gzip_compress: bool,
) -> manifest.Shard:
    """Writes a TFRecord file and says what the manifest tells of it.

    Args:
        output: a folder that has an `.unfinished` folder in it.
        name: of the file; an existing one is replaced.
        parts: of its content before compression, each uint8 [bytes].
        num_examples: in it.
        gzip_compress: whether the file is compressed.
    """
    if gzip_compress:  # without a time: same content, same bytes
        parts = [gzip.compress(b"".join(parts), mtime=0)]
    write_atomically(output, name, *parts)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return manifest.Shard(
        name=name,
        num_examples=num_examples,
        num_bytes=sum(map(len, parts)),
        sha256=digest.hexdigest(),
    )


class FinishDataset(beam.DoFn):
    """Writes what stands beside the shards of one data set, the manifest last."""

    def __init__(
        self,
        output: str,
        *,
        config: PretrainingDataConfig,
        vocabulary: Vocabulary,
        inputs: manifest.Inputs,
        number: int,
    ):
        self._output = output
        self._config = config
        self._vocabulary = vocabulary
        self._inputs = inputs
        self._number = number

    def process(self, unused_element, shards, statistics, bad_documents):
        """Writes only the dead letter if there is nothing to train on.

        Args:
            unused_element: makes it run once.
            shards: (data set's number, Shard) pairs, in any order.
            statistics: by data set's number and split.
            bad_documents: all of them.
        """
        if bad_documents:
            write_atomically(self._output, DEAD_LETTER_NAME, dead_letter(bad_documents))
        shards = [shard for number, shard in shards if number == self._number]
        by_split = {
            split: found
            for (number, split), found in statistics.items()
            if number == self._number
        }
        if not (shards and by_split[buckets.TRAIN].counts["examples"]):
            return
        finished = build_manifest(
            config=self._config,
            vocabulary=self._vocabulary,
            inputs=self._inputs,
            shards=shards,
            statistics=by_split,
            bad_documents=bad_documents,
        )
        write_atomically(
            self._output, manifest.VOCABULARY_NAME, self._vocabulary.file_bytes
        )
        write_atomically(
            self._output, report.REPORT_NAME, report.render(finished).encode()
        )
        write_atomically(
            self._output, manifest.MANIFEST_NAME, finished.to_json().encode()
        )


def build_manifest(
    *,
    config: PretrainingDataConfig,
    vocabulary: Vocabulary,
    inputs: manifest.Inputs,
    shards: Iterable[manifest.Shard],
    statistics: Mapping[str, examples.Statistics],
    bad_documents: Sequence[documents.BadDocument],
) -> manifest.Manifest:
    """Puts together what the steps of the job have found.

    Args:
        config: of the job.
        vocabulary: of the job.
        inputs: of the job.
        shards: of all splits, in any order.
        statistics: for each split that has documents.
        bad_documents: all of them.
    """
    empty = examples.Statistics.empty(
        vocab_size=len(vocabulary), max_seq_length=config.max_seq_length
    )
    train, held_out = (statistics.get(name, empty) for name in manifest.SPLITS)
    shards = sorted(shards, key=lambda shard: shard.name)
    return manifest.Manifest(
        data_dir="",
        config=config,
        vocab_digest=vocabulary.digest,
        vocab_size=len(vocabulary),
        splits={
            name: _split(
                name,
                found,
                [shard for shard in shards if shard.name.startswith(f"{name}-")],
                config,
                vocabulary,
            )
            for name, found in zip(manifest.SPLITS, (train, held_out), strict=True)
        },
        bad_documents=dict(sorted(Counter(bad.reason for bad in bad_documents).items())),
        inputs=inputs,
        baselines=manifest.held_out_baselines(
            train_labels=train.labels,
            held_out_labels=held_out.labels,
            num_random_next=held_out.counts["random_next"]
            if config.next_sentence
            else None,
            num_examples=held_out.counts["examples"],
        ),
        versions=tool_versions(),
    )


def _split(
    name: str,
    statistics: examples.Statistics,
    shards: Sequence[manifest.Shard],
    config: PretrainingDataConfig,
    vocabulary: Vocabulary,
) -> manifest.Split:
    counts = statistics.counts
    num_examples = counts["examples"]
    num_passes = buckets.num_passes(name, config)
    by_count = sorted(
        np.flatnonzero(statistics.words).tolist(),
        key=lambda token_id: (-statistics.words[token_id], token_id),
    )
    return manifest.Split(
        shards=tuple(shards),
        num_buckets=len(shards) // num_passes,
        counts=dict(counts),
        random_next_share=counts["random_next"] / num_examples
        if num_examples and config.next_sentence
        else None,
        padding_share=1
        - counts["example_tokens"] / (num_examples * config.max_seq_length)
        if num_examples
        else None,
        repeated_sentence_share=statistics.sentences.repeated_share,
        histograms={
            name: tuple(getattr(statistics, name).tolist())
            for name in ("example_tokens", "sentence_tokens", "document_tokens")
        },
        frequent_words=tuple(
            (vocabulary.tokens[token_id], int(statistics.words[token_id]))
            for token_id in by_count[:_NUM_FREQUENT_WORDS]
        ),
        samples=tuple(
            manifest.Sample(
                tokens=tuple(vocabulary.tokens[each] for each in sample.input_ids),
                second_start=sample.second_start,
                positions=tuple(sample.positions.tolist()),
                labels=tuple(vocabulary.tokens[each] for each in sample.labels),
                is_random_next=bool(sample.is_random_next)
                if config.next_sentence
                else None,
            )
            for sample in statistics.samples
        ),
    )
