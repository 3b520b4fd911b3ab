"""What happens between text and shards: DoFns around the functions of bert_tf.data.

Text -> documents -> tokens -> buckets -> pairs -> masks -> tf.Examples -> shards.
Everything random follows from a document's key and the seed, and everything that is
gathered is sorted, so that the bytes written do not depend on runner, workers or files.
"""

import collections
import contextlib
import dataclasses
import functools
import operator
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.utils import shared

from bert_tf.config import PretrainingDataConfig
from bert_tf.data import examples, manifest, tokenized
from bert_tf.data.documents import BadDocument, ByteRange, Document
from bert_tf.data.tokenized import TokenizedDocuments
from bert_tf.data.vocab import Vocabulary
from pipelines import buckets, progress, sinks, sources, spill
from pipelines.buckets import Bucket

# Tagged outputs.
BAD_DOCUMENTS = "bad_documents"
NUM_TOKENS = "num_tokens"
STATISTICS = "statistics"

# What a worker holds before it hands it on: many documents, since each bucket has to
# fetch its own from all of them.
TOKENS_PER_PART = 8 << 20


@dataclasses.dataclass(frozen=True)
class DataSet:
    """One of the data sets that are made of the same tokens."""

    config: PretrainingDataConfig
    output: str  # a folder


class TokenizeText(beam.DoFn):
    """Lists of ByteRanges -> sorted documents: a spilled file's path, or their bytes.

    With the tag `BAD_DOCUMENTS` it gives BadDocuments, with the tag `NUM_TOKENS` pairs
    of a split and a number.
    """

    def __init__(
        self,
        config: PretrainingDataConfig,
        vocabulary: Vocabulary,
        *,
        spill_dir: str | None,
        progress_dir: str | None,
        max_bad_documents: int,
    ):
        self._config = config
        self._vocabulary = vocabulary
        self._spill_dir = spill_dir
        self._progress_dir = progress_dir
        self._max_bad_documents = max_bad_documents
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
        return tokenized.DocumentTokenizer(
            self._vocabulary, lower_case=self._config.do_lower_case
        )

    def process(self, ranges):
        """Stops early where the bad documents alone are too many for the job."""
        num_bad = num_tokens = 0
        parts: list[TokenizedDocuments] = []
        for block in sources.blocks(self._read(ranges)):
            good = [each for each in block if isinstance(each, Document)]
            bad_documents = [each for each in block if isinstance(each, BadDocument)]
            if good:
                part, without_tokens = self._tokenizer.tokenize(good)
                bad_documents += without_tokens
                parts.append(part)
                num_tokens += len(part.token_ids)
            for bad in bad_documents:
                yield beam.pvalue.TaggedOutput(BAD_DOCUMENTS, bad)
            num_bad += len(bad_documents)
            if num_bad > self._max_bad_documents:
                return
            progress.report(
                self._progress_dir,
                progress.READ_BYTES,
                sum(document.num_bytes for document in good),
            )
            if num_tokens >= TOKENS_PER_PART:
                yield from self._hand_on(parts)
                parts, num_tokens = [], 0
        if parts:
            yield from self._hand_on(parts)

    def _read(self, ranges: Iterable[ByteRange]) -> Iterator[Document | BadDocument]:
        for byte_range in ranges:
            yield from sources.read_range(
                byte_range,
                input_format=self._config.input_format,
                text_field=self._config.text_field,
                language=self._config.language,
            )

    def _hand_on(self, parts: Sequence[TokenizedDocuments]):
        documents = tokenized.concatenate(parts).sort()
        for split in manifest.SPLITS:
            keys = buckets.split_keys(split, self._config.held_out_fraction)
            num_tokens = len(documents.range_of_keys(*keys).token_ids)
            yield beam.pvalue.TaggedOutput(NUM_TOKENS, (split, num_tokens))
        if self._spill_dir:
            yield spill.write(self._spill_dir, documents)
        else:
            yield documents.to_bytes()


class PlanBuckets(beam.DoFn):
    """Anything -> the Buckets; none if too many documents are bad."""

    def __init__(
        self,
        config: PretrainingDataConfig,
        *,
        num_train_buckets: int | None,
        max_bad_documents: int,
        progress_dir: str | None,
    ):
        self._config = config
        self._num_train_buckets = num_train_buckets
        self._max_bad_documents = max_bad_documents
        self._progress_dir = progress_dir

    def process(self, unused_element, num_tokens, num_bad_documents):
        """Yields Buckets.

        Args:
            unused_element: makes it run once.
            num_tokens: by split.
            num_bad_documents: of all input.
        """
        if num_bad_documents > self._max_bad_documents:
            return
        planned = buckets.plan_buckets(
            collections.Counter(num_tokens),
            held_out_fraction=self._config.held_out_fraction,
            num_train_buckets=self._num_train_buckets,
        )
        num_shards = sum(
            buckets.num_passes(bucket.split, self._config) for bucket in planned
        )
        progress.report(self._progress_dir, progress.PLANNED_SHARDS, num_shards)
        yield from planned


def empty_part(bucket: Bucket, *, vocab_size: int) -> tuple[tuple[str, int, int], bytes]:
    """No documents for a bucket, as `SplitByBucket` gives some."""
    return bucket_key(bucket), tokenized.empty(vocab_size).to_bytes()


def sum_statistics(parts: Iterable[examples.Statistics]) -> examples.Statistics:
    """The sum of at least one."""
    return functools.reduce(operator.add, parts)


class SplitByBucket(beam.DoFn):
    """Documents' bytes -> ((split, number, number of buckets), bytes)."""

    def __init__(self, held_out_fraction: float):
        self._held_out_fraction = held_out_fraction

    def process(self, payload, planned):
        """Yields what the documents have for each of the planned buckets."""
        documents = TokenizedDocuments.from_bytes(payload)
        # Together the buckets have all keys, so that each ends where the next begins.
        ranges = sorted(
            (bucket.keys(self._held_out_fraction), bucket_key(bucket))
            for bucket in planned
        )
        first_keys = np.array([first for (first, _), _ in ranges], np.uint64)
        starts = np.searchsorted(documents.keys[:, 0], first_keys)
        stops = np.append(starts[1:], documents.num_documents)
        for index in np.flatnonzero(starts < stops):
            part = documents.slice(int(starts[index]), int(stops[index]))
            yield ranges[index][1], part.to_bytes()


def bucket_key(bucket: Bucket) -> tuple[str, int, int]:
    """A Bucket as Beam can group by it."""
    return dataclasses.astuple(bucket)


class MakeShards(beam.DoFn):
    """A bucket and its documents -> (data set's number, Shard).

    With the tag `STATISTICS` it gives ((data set's number, split), Statistics).
    """

    def __init__(
        self,
        data_sets: Sequence[DataSet],
        vocabulary: Vocabulary,
        *,
        progress_dir: str | None,
    ):
        self._data_sets = data_sets
        self._vocabulary = vocabulary
        self._progress_dir = progress_dir

    def setup(self):
        """Builds the tables of the vocabulary."""
        self._makers = [
            examples.ExampleMaker(data_set.config, self._vocabulary)
            for data_set in self._data_sets
        ]

    def process(self, grouped):
        """Takes the key of a bucket and any number of documents' bytes."""
        key, payloads = grouped
        parts = [TokenizedDocuments.from_bytes(payload) for payload in payloads]
        yield from self._make(Bucket(*key), parts)

    def _make(self, bucket: Bucket, parts: Iterable[TokenizedDocuments]):
        received = tokenized.concatenate([tokenized.empty(len(self._vocabulary)), *parts])
        documents = self._makers[0].distinct(received)  # the same for all
        for number, (maker, data_set) in enumerate(
            zip(self._makers, self._data_sets, strict=True)
        ):
            statistics = maker.document_statistics(
                documents, num_received=received.num_documents
            )
            for dupe in range(buckets.num_passes(bucket.split, data_set.config)):
                parts, of_pass = maker.make_shard(
                    documents, dupe=dupe, is_held_out=bucket.split == buckets.HELD_OUT
                )
                statistics += of_pass
                yield (
                    number,
                    sinks.write_shard(
                        data_set.output,
                        bucket.shard_name(dupe, data_set.config),
                        parts,
                        num_examples=of_pass.counts["examples"],
                        gzip_compress=data_set.config.gzip_compress,
                    ),
                )
                progress.report(self._progress_dir, progress.WRITTEN_SHARDS, 1)
            yield beam.pvalue.TaggedOutput(
                STATISTICS, ((number, bucket.split), statistics)
            )


class MakeShardsFromFiles(MakeShards):
    """Like MakeShards, from Buckets; the documents are in files that were spilled."""

    def process(self, bucket, paths):
        """Takes a Bucket and the paths of all files."""
        keys = bucket.keys(self._data_sets[0].config.held_out_fraction)
        yield from self._make(bucket, [spill.read_range(path, *keys) for path in paths])
