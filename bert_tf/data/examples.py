"""The examples of a bucket of documents, and what is counted about them.

A bucket is a random part of the corpus that fits in memory; next sentences are drawn
from it.
"""

import collections
import dataclasses
import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from bert_tf.config import PretrainingDataConfig
from bert_tf.data import documents, masking, pairing, records, schema
from bert_tf.data.vocab import Vocabulary

COUNTS = (
    "documents",
    "duplicate_documents",  # dropped, not among the documents
    "sentences",
    "tokens",
    "unknown_tokens",  # of the tokens
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
            unknown_tokens=sum(
                int(np.count_nonzero(document.token_ids == self._vocabulary.unk_id))
                for document in bucket
            ),
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
