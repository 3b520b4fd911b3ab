"""What happens between documents and shards: pure functions, and DoFns around them.

Documents -> tokens -> buckets -> pairs -> masks -> tf.Examples -> shards. Everything
random follows from a document's key and the seed, and everything that is gathered is
sorted, so that the bytes written do not depend on runner, workers or file names.
"""

import collections
import contextlib
import dataclasses
import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.utils import shared

from bert_tf.config import PretrainingDataConfig
from bert_tf.data import (
    documents,
    manifest,
    masking,
    pairing,
    records,
    schema,
    tokenization,
)
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


def random_generator(seed: int, key: bytes, dupe: int, purpose: str) -> random.Random:
    """A generator for one use on one duplicate of one document.

    Args:
        seed: of the data set.
        key: of the document.
        dupe: number of the duplicate, from 0.
        purpose: what the numbers are for.
    """
    text = f"{seed}/{key.hex()}/{dupe}/{purpose}".encode()
    digest = hashlib.blake2b(text, digest_size=16).digest()
    return random.Random(int.from_bytes(digest, "big"))


def tokenize_block(
    block: Sequence[documents.Document], tokenizer, *, vocab_size: int
) -> Iterator[documents.TokenizedDocument | documents.BadDocument]:
    """Tokenizes the sentences of all documents in one call.

    Args:
        block: N documents.
        tokenizer: a bert_tf.data.tokenization.BertTokenizer.
        vocab_size: of its vocabulary.

    Yields:
        N elements, see `bert_tf.data.documents.tokenized_documents`.
    """
    tokens = tokenizer.tokenize(
        [sentence.encode() for document in block for sentence in document.sentences]
    )
    yield from documents.tokenized_documents(
        block,
        token_ids=tokens.flat_values.numpy(),
        sentence_ends=tokens.row_limits().numpy(),
        vocab_size=vocab_size,
    )


COUNTS = (
    "documents",
    "duplicate_documents",  # dropped, not among the documents
    "sentences",
    "tokens",
    "examples",
    "random_next",  # of the examples
    "no_partner_actual_next",  # see bert_tf.data.pairing
    "no_partner_dropped",
    "predictions",
    "predictions_masked",  # of the predictions
    "predictions_kept",
    "predictions_random",
)


@dataclasses.dataclass
class Statistics:
    """What is known of some of the examples of one split."""

    counts: collections.Counter[str]  # of each of COUNTS
    labels: np.ndarray  # [V] int64: how often each token is to be predicted

    @classmethod
    def empty(cls, vocab_size: int) -> "Statistics":
        """Those of no example."""
        return cls(
            counts=collections.Counter(dict.fromkeys(COUNTS, 0)),
            labels=np.zeros(vocab_size, np.int64),
        )


def merge_statistics(parts: Iterable[Statistics]) -> Statistics:
    """The sum of at least one."""
    first, *others = parts
    merged = Statistics(counts=first.counts.copy(), labels=first.labels.copy())
    for other in others:
        merged.counts.update(other.counts)
        merged.labels += other.labels
    return merged


def distinct_documents(payloads: Iterable[bytes]) -> list[documents.TokenizedDocument]:
    """Unpacks documents, sorts them by key and drops repeated ones."""
    unpacked = (documents.TokenizedDocument.from_bytes(payload) for payload in payloads)
    by_key = {document.key: document for document in unpacked}
    return [by_key[key] for key in sorted(by_key)]


class ExampleMaker:
    """Makes the examples of a bucket; holds what is the same for all buckets."""

    def __init__(self, config: PretrainingDataConfig, vocabulary: Vocabulary):
        self._config = config
        self._vocabulary = vocabulary
        self._features = schema.pretraining_features(config)
        self._special_ids = frozenset((vocabulary.cls_id, vocabulary.sep_id))
        self._continuation_ids = frozenset(
            index
            for index, token in enumerate(vocabulary.tokens)
            if config.do_whole_word_mask and token.startswith("##")
        )

    def bucket_examples(
        self,
        payloads: Iterable[bytes],
        *,
        num_dupes: int,
        on_pass_done: Callable[[], None],
    ) -> tuple[list[bytes], Statistics]:
        """Pairs, masks and encodes the documents of one bucket.

        Args:
            payloads: of `TokenizedDocument.to_bytes`, in any order.
            num_dupes: how often each document is used.
            on_pass_done: called after each use of all documents.

        Returns:
            Serialised tf.Examples and their statistics.
        """
        payloads = list(payloads)
        bucket = distinct_documents(payloads)
        sentence_ends = [document.sentence_ends.tolist() for document in bucket]
        statistics = Statistics.empty(len(self._vocabulary))
        statistics.counts.update(
            documents=len(bucket),
            duplicate_documents=len(payloads) - len(bucket),
            sentences=sum(map(len, sentence_ends)),
            tokens=sum(len(document.token_ids) for document in bucket),
        )
        examples: list[bytes] = []
        for dupe in range(num_dupes):
            examples.extend(self._examples(bucket, sentence_ends, dupe, statistics))
            on_pass_done()
        return examples, statistics

    def _examples(
        self,
        bucket: Sequence[documents.TokenizedDocument],
        sentence_ends: Sequence[Sequence[int]],
        dupe: int,
        statistics: Statistics,
    ) -> Iterator[bytes]:
        config = self._config
        counts = statistics.counts
        for index, document in enumerate(bucket):
            pairs = pairing.pair_sentences(
                sentence_ends,
                index,
                max_seq_length=config.max_seq_length,
                short_seq_prob=config.short_seq_prob,
                rng=random_generator(config.random_seed, document.key, dupe, "pairs"),
                counts=counts,
            )
            mask_rng = random_generator(config.random_seed, document.key, dupe, "masks")
            labels: list[int] = []
            for pair in pairs:
                masked = self._mask(self._join(bucket, pair), mask_rng)
                labels.extend(masked.labels)
                counts["examples"] += 1
                counts["random_next"] += pair.is_random_next
                counts["predictions_masked"] += masked.num_masked
                counts["predictions_kept"] += masked.num_kept
                counts["predictions_random"] += masked.num_random
                yield self._encode(pair, masked)
            counts["predictions"] += len(labels)
            np.add.at(statistics.labels, labels, 1)

    def _join(
        self, bucket: Sequence[documents.TokenizedDocument], pair: pairing.SentencePair
    ) -> list[int]:
        first, second = (
            bucket[segment.document].token_ids[segment.start : segment.stop].tolist()
            for segment in (pair.first, pair.second)
        )
        cls_id, sep_id = self._vocabulary.cls_id, self._vocabulary.sep_id
        return [cls_id, *first, sep_id, *second, sep_id]

    def _mask(self, ids: list[int], rng: random.Random) -> masking.MaskedTokens:
        return masking.mask_tokens(
            ids,
            masking.candidate_words(
                ids,
                special_ids=self._special_ids,
                continuation_ids=self._continuation_ids,
            ),
            num_predictions=masking.num_to_predict(
                len(ids),
                masked_lm_prob=self._config.masked_lm_prob,
                max_predictions_per_seq=self._config.max_predictions_per_seq,
            ),
            mask_id=self._vocabulary.mask_id,
            vocab_size=len(self._vocabulary),
            rng=rng,
        )

    def _encode(self, pair: pairing.SentencePair, masked: masking.MaskedTokens) -> bytes:
        padding = [0] * (self._config.max_seq_length - len(masked.ids))
        unused = [0] * (self._config.max_predictions_per_seq - len(masked.positions))
        num_second = len(pair.second) + 1  # its [SEP] too
        num_first = len(masked.ids) - num_second
        return records.encode_example(
            {
                "input_ids": masked.ids + [self._vocabulary.pad_id] * len(padding),
                "input_mask": [1] * len(masked.ids) + padding,
                "segment_ids": [0] * num_first + [1] * num_second + padding,
                "masked_lm_positions": masked.positions + unused,
                "masked_lm_ids": masked.labels + unused,
                "masked_lm_weights": [1.0] * len(masked.positions) + unused,
                "next_sentence_labels": [int(pair.is_random_next)],
            },
            self._features,
        )


def frame_digest(frame: bytes) -> bytes:
    """8 bytes of a framed record: what decides its shard and its place there."""
    return hashlib.blake2b(frame, digest_size=8).digest()


def shard_blobs(examples: Iterable[bytes], names: Sequence[str]) -> dict[str, bytes]:
    """Sends each example to one of the shards; a blob of framed records for each used."""
    frames_by_name = collections.defaultdict(list)
    for example in examples:
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
        for document in tokenize_block(block, self._tokenizer, vocab_size=vocab_size):
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
        self._maker = ExampleMaker(self._config, self._vocabulary)

    def process(self, bucket, num_bad_documents):
        """Yields blobs, and (split, Statistics) with the tag `STATISTICS`.

        Yields nothing if the job is going to be refused.
        """
        if num_bad_documents <= self._max_bad_documents:
            yield from self._blobs(*bucket)

    def _blobs(self, name, payloads):
        split = name.split("/")[0]
        examples, statistics = self._maker.bucket_examples(
            payloads,
            num_dupes=num_passes(split, self._config),
            on_pass_done=self._report_pass,
        )
        yield from shard_blobs(
            examples, self._partitions[split].shard_names(split)
        ).items()
        yield beam.pvalue.TaggedOutput(STATISTICS, (split, statistics))

    def _report_pass(self):
        progress.report(self._progress_dir, progress.BUCKET_PASSES, 1)
