"""What happens between documents and shards: pure functions, and DoFns around them.

Documents -> tokens -> buckets -> pairs -> masks -> tf.Examples -> shards. Everything
random follows from a document's key and the seed, and everything that is gathered is
sorted, so that the bytes written do not depend on runner, workers or file names.
"""

import collections
import contextlib
import dataclasses
import hashlib
from collections.abc import Iterable, Sequence

import apache_beam as beam
import tensorflow as tf
from apache_beam.utils import shared

from bert_tf.config import PretrainingDataConfig
from bert_tf.data import documents, examples, manifest, records, tokenization
from bert_tf.data.vocab import Vocabulary
from pipelines import progress
from pipelines.sources import BAD_DOCUMENTS

TRAIN, HELD_OUT = manifest.SPLITS
STATISTICS = "statistics"  # the tagged output beside the examples
# Large enough for many possible partners, small enough to fit in memory many times.
_BUCKET_TEXT_BYTES = 8 << 20
_SHARD_BYTES = 64 << 20
_RECORD_BYTES_PER_TEXT_BYTE = 1.5  # at 128 tokens, for each duplicate


@dataclasses.dataclass(frozen=True)
class Partition:
    """Into how many parts a split is cut."""

    num_buckets: int
    num_shards: int

    def shard_names(self, split: str) -> list[str]:
        """The names of the files."""
        return [
            f"{split}-{number:05d}-of-{self.num_shards:05d}.tfrecord"
            for number in range(self.num_shards)
        ]


def plan_partitions(
    config: PretrainingDataConfig, *, text_bytes: int, num_train_shards: int | None
) -> dict[str, Partition]:
    """Cuts the splits so that a bucket holds about 8 MiB of text, a shard 64 MiB.

    Args:
        config: its held-out fraction and number of duplicates matter.
        text_bytes: of all input, perhaps an estimate.
        num_train_shards: to have just as many.

    Returns:
        A Partition for each split, its numbers powers of two: so that they stay the same
        when the same text comes in other files, with a few line ends more or less.
    """
    held_out_bytes = text_bytes * config.held_out_fraction
    train_bytes = text_bytes - held_out_bytes
    held_out_record_bytes = held_out_bytes * _RECORD_BYTES_PER_TEXT_BYTE
    train_record_bytes = train_bytes * config.dupe_factor * _RECORD_BYTES_PER_TEXT_BYTE
    return {
        TRAIN: Partition(
            num_buckets=_num_parts(train_bytes, _BUCKET_TEXT_BYTES),
            num_shards=num_train_shards or _num_parts(train_record_bytes, _SHARD_BYTES),
        ),
        HELD_OUT: Partition(
            num_buckets=_num_parts(held_out_bytes, _BUCKET_TEXT_BYTES),
            num_shards=_num_parts(held_out_record_bytes, _SHARD_BYTES)
            if config.held_out_fraction
            else 0,
        ),
    }


def _num_parts(total: float, part: int) -> int:
    num_parts = 1
    while num_parts * part < total:
        num_parts *= 2
    return num_parts


def split_of(key: bytes, held_out_fraction: float) -> str:
    """`held_out` for a share of all keys, else `train`, whatever seed or input."""
    is_held_out = int.from_bytes(key[:8], "big") < held_out_fraction * 2**64
    return HELD_OUT if is_held_out else TRAIN


def num_passes(split: str, config: PretrainingDataConfig) -> int:
    """How often each document is used; held-out ones once, since more only cost time."""
    return config.dupe_factor if split == TRAIN else 1


def bucket_of(key: bytes, split: str, partition: Partition) -> str:
    """The name of the bucket of a document, such as `train/3`."""
    return f"{split}/{int.from_bytes(key[8:], 'big') % partition.num_buckets}"


def frame_digest(frame: bytes) -> bytes:
    """8 bytes of a framed record: what decides its shard and its place there."""
    return hashlib.blake2b(frame, digest_size=8).digest()


def shard_blobs(encoded: Iterable[bytes], names: Sequence[str]) -> dict[str, bytes]:
    """Sends each example to one of the shards; a blob of framed records for each used."""
    frames_by_name = collections.defaultdict(list)
    for example in encoded:
        frame = records.frame_record(example)
        number = int.from_bytes(frame_digest(frame), "big") % len(names)
        frames_by_name[names[number]].append(frame)
    return {name: b"".join(frames) for name, frames in frames_by_name.items()}


def join_blobs(blobs: Iterable[bytes]) -> tuple[bytes, int]:
    """The content of a TFRecord file and its number of records.

    Args:
        blobs: framed records, in any order and any parts.

    Returns:
        The records in the order of their digests, which is as good as random, so that
        training needs no large shuffle buffer.
    """
    frames = [frame for blob in blobs for frame in records.split_frames(blob)]
    frames.sort(key=lambda frame: (frame_digest(frame), frame))
    return b"".join(frames), len(frames)


class TokenizeBlocks(beam.DoFn):
    """Lists of Documents -> (bucket, payload)."""

    def __init__(
        self,
        config: PretrainingDataConfig,
        vocabulary: Vocabulary,
        *,
        partitions: dict[str, Partition],
    ):
        self._config = config
        self._vocabulary = vocabulary
        self._partitions = partitions
        self._shared_tokenizer = shared.Shared()

    def setup(self):
        """Builds the tokenizer, once for all threads of a process."""
        self._tokenizer = self._shared_tokenizer.acquire(self._build_tokenizer)

    def _build_tokenizer(self):
        # A core is a worker's. A process that has used TensorFlow before keeps what it
        # has, and is the only one.
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        return tokenization.BertTokenizer(
            self._vocabulary, lower_case=self._config.do_lower_case
        )

    def process(self, block):
        """Yields payloads, and BadDocuments with the tag `BAD_DOCUMENTS`."""
        vocab_size = len(self._vocabulary)
        for document in documents.tokenize_block(
            block, self._tokenizer, vocab_size=vocab_size
        ):
            if isinstance(document, documents.BadDocument):
                yield beam.pvalue.TaggedOutput(BAD_DOCUMENTS, document)
            else:
                split = split_of(document.key, self._config.held_out_fraction)
                bucket = bucket_of(document.key, split, self._partitions[split])
                yield bucket, document.to_bytes()


class MakeExamples(beam.DoFn):
    """(bucket, payloads) -> (shard name, framed records)."""

    def __init__(
        self,
        config: PretrainingDataConfig,
        vocabulary: Vocabulary,
        *,
        partitions: dict[str, Partition],
        max_bad_documents: int,
        progress_dir: str | None,
    ):
        self._config = config
        self._vocabulary = vocabulary
        self._partitions = partitions
        self._max_bad_documents = max_bad_documents
        self._progress_dir = progress_dir

    def setup(self):
        """Builds the tables of the vocabulary."""
        self._maker = examples.ExampleMaker(self._config, self._vocabulary)

    def process(self, bucket, num_bad_documents):
        """Yields blobs, and (split, Statistics) with the tag `STATISTICS`.

        Yields nothing if the job is going to be refused.
        """
        if num_bad_documents <= self._max_bad_documents:
            yield from self._blobs(*bucket)

    def _blobs(self, name, payloads):
        split = name.split("/")[0]
        encoded, statistics = self._maker.bucket_examples(
            payloads,
            num_dupes=num_passes(split, self._config),
            on_pass_done=self._report_pass,
        )
        yield from shard_blobs(
            encoded, self._partitions[split].shard_names(split)
        ).items()
        yield beam.pvalue.TaggedOutput(STATISTICS, (split, statistics))

    def _report_pass(self):
        progress.report(self._progress_dir, progress.BUCKET_PASSES, 1)
