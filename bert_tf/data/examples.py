"""The examples of a bucket of documents, and what is counted about them.

A bucket is a random part of the corpus that fits in memory; next sentences are drawn
from it. All work is done on flat arrays, a pass over the whole bucket at a time.
"""

import collections
import dataclasses
import heapq
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Self

import numpy as np

from bert_tf.config import PretrainingDataConfig
from bert_tf.data import pairing, records, schema
from bert_tf.data.compiled import compiled
from bert_tf.data.masking import MaskedTokens, Masker
from bert_tf.data.randomness import fold_in
from bert_tf.data.sketches import HashSketch
from bert_tf.data.tokenized import TokenizedDocuments, distinct, first_copies
from bert_tf.data.vocab import Vocabulary

COUNTS = (
    "documents",
    "duplicate_documents",  # dropped, not among the documents
    "sentences",
    "tokens",
    "unknown_tokens",  # of the tokens
    "examples",
    "example_tokens",  # with special tokens, without padding
    "random_next",  # of the examples
    "no_partner_actual_next",  # see bert_tf.data.pairing
    "no_partner_dropped",
    "predictions",
    "predictions_masked",  # of the predictions
    "predictions_kept",
    "predictions_random",
)
NUM_SAMPLES = 12
# Few enough that their arrays stay in the processor's cache, and are used again.
_EXAMPLES_AT_ONCE = 8192
_POWERS_OF_TWO = 48

# What a stream of random numbers is for.
_PAIRS, _EXAMPLE, _MASKS = map(np.uint64, (1, 2, 3))


class Examples(NamedTuple):
    """N examples without masks; L tokens at most.

    Attributes:
        input_ids: int32 [N, L], padded.
        lengths: int64 [N], without padding.
        second_starts: int64 [N], where the second segment starts; lengths without one.
        is_random_next: int64 [N], 0 without a second segment.
        keys: uint64 [N] below 2**63, which name the examples in random draws.
    """

    input_ids: np.ndarray
    lengths: np.ndarray
    second_starts: np.ndarray
    is_random_next: np.ndarray
    keys: np.ndarray


class SampledExample(NamedTuple):
    """One example, to be looked at; all arrays int32."""

    key: int  # the smallest ones are sampled
    input_ids: np.ndarray  # masked, without padding
    second_start: int
    positions: np.ndarray
    labels: np.ndarray
    is_random_next: int


@dataclasses.dataclass
class Statistics:
    """What is known of some of the documents and examples of one split."""

    counts: collections.Counter[str]  # of each of COUNTS
    labels: np.ndarray  # int64 [V]: how often each token is to be predicted
    words: np.ndarray  # int64 [V]: how often each token is a whole word
    example_tokens: np.ndarray  # int64 [L + 1]: examples by number of tokens
    sentence_tokens: np.ndarray  # int64 [48]: sentences by power of two of tokens
    document_tokens: np.ndarray
    sentences: HashSketch  # of the sentences' contents
    samples: list[SampledExample]  # by key

    @classmethod
    def empty(cls, *, vocab_size: int, max_seq_length: int) -> Self:
        """Those of no document."""
        return cls(
            counts=collections.Counter(dict.fromkeys(COUNTS, 0)),
            labels=np.zeros(vocab_size, np.int64),
            words=np.zeros(vocab_size, np.int64),
            example_tokens=np.zeros(max_seq_length + 1, np.int64),
            sentence_tokens=np.zeros(_POWERS_OF_TWO, np.int64),
            document_tokens=np.zeros(_POWERS_OF_TWO, np.int64),
            sentences=HashSketch.empty(),
            samples=[],
        )

    def __add__(self, other: Self) -> Self:
        counts = self.counts.copy()
        counts.update(other.counts)
        return type(self)(
            counts=counts,
            samples=heapq.nsmallest(
                NUM_SAMPLES, self.samples + other.samples, key=lambda each: each.key
            ),
            **{
                name: getattr(self, name) + getattr(other, name)
                for name in (
                    "labels",
                    "words",
                    "example_tokens",
                    "sentence_tokens",
                    "document_tokens",
                    "sentences",
                )
            },
        )


class ExampleMaker:
    """Makes the examples of a bucket; holds what is the same for all buckets."""

    def __init__(self, config: PretrainingDataConfig, vocabulary: Vocabulary):
        self._config = config
        self._vocabulary = vocabulary
        self._masker = Masker(config, vocabulary)
        self._is_continuation = np.array(
            [token.startswith("##") for token in vocabulary.tokens]
        )
        self._seed = fold_in(np.uint64(config.random_seed), np.uint64(0))

    def distinct(self, documents: TokenizedDocuments) -> TokenizedDocuments:
        """The documents by key, and each content once unless duplicates are kept."""
        in_order = documents.sort()
        return in_order if self._config.keep_duplicates else distinct(in_order)

    def document_statistics(
        self, documents: TokenizedDocuments, *, num_received: int
    ) -> Statistics:
        """What is known of a bucket before any example is made.

        Args:
            documents: from `distinct`.
            num_received: how many there were before.
        """
        statistics = self._empty_statistics()
        token_ids = documents.token_ids
        sentence_sizes = np.diff(documents.sentence_splits)
        document_sizes = np.diff(documents.sentence_splits[documents.document_splits])
        statistics.counts.update(
            documents=documents.num_documents,
            duplicate_documents=num_received - documents.num_documents,
            sentences=len(sentence_sizes),
            tokens=len(token_ids),
            unknown_tokens=np.count_nonzero(token_ids == self._vocabulary.unk_id).item(),
        )
        is_continued = self._is_continuation[token_ids]
        is_whole = ~is_continued & ~np.append(is_continued[1:], False)
        statistics.words += self._bincount(token_ids[is_whole])
        statistics.sentence_tokens += _by_power_of_two(sentence_sizes)
        statistics.document_tokens += _by_power_of_two(document_sizes)
        statistics.sentences = HashSketch.of(
            _hash_spans(token_ids, documents.sentence_splits)
        )
        return statistics

    def make_shard(
        self, documents: TokenizedDocuments, *, dupe: int, is_held_out: bool
    ) -> tuple[list[np.ndarray], Statistics]:
        """Pairs, masks and encodes the documents of one bucket, in one pass.

        Args:
            documents: from `distinct`.
            dupe: number of the pass, from 0.
            is_held_out: such examples are always masked here, so that every evaluation
                has the same masks. Of dynamic masks, one draw is counted.

        Returns:
            The content of a TFRecord file in parts, each uint8 [bytes], and the
            statistics of its examples. They are in the order of their keys, which is
            random, so that training needs no large shuffle buffer.
        """
        segments, keys = self._pair(documents, dupe)
        statistics = self._empty_statistics()
        statistics.counts.update(
            no_partner_actual_next=segments.num_actual_for_random,
            no_partner_dropped=segments.num_dropped,
        )
        is_masked = is_held_out or self._config.masking == "static"
        parts = []
        for examples in self._join(documents, segments, keys):
            masked = self._masker.mask(
                examples.input_ids, examples.lengths, fold_in(examples.keys, _MASKS)
            )
            parts.append(self._encode(examples, masked if is_masked else None))
            statistics += self._example_statistics(examples, masked)
        return parts, statistics

    def _pair(
        self, documents: TokenizedDocuments, dupe: int
    ) -> tuple[pairing.Segments, np.ndarray]:
        """The segments of N examples and their keys, uint64 [N]."""
        config = self._config
        streams = _document_streams(self._seed, documents, dupe)
        if config.next_sentence:
            segments = pairing.pair_sentences(
                documents.document_splits,
                documents.sentence_splits,
                fold_in(streams, _PAIRS),
                config.max_seq_length,
                config.short_seq_prob,
            )
        else:
            segments = pairing.cut_documents(
                documents.document_splits,
                documents.sentence_splits,
                config.max_seq_length,
            )
        return segments, _example_keys(streams, segments)

    def _join(
        self, documents: TokenizedDocuments, segments: pairing.Segments, keys: np.ndarray
    ) -> Iterator[Examples]:
        """All examples by key, some at a time."""
        end_ids = np.array([self._vocabulary.cls_id, self._vocabulary.sep_id], np.int32)
        order = np.argsort(keys, kind="stable")
        for start in range(0, len(order), _EXAMPLES_AT_ONCE):
            rows = order[start : start + _EXAMPLES_AT_ONCE]
            shape = (len(rows), self._config.max_seq_length)
            input_ids = np.full(shape, self._vocabulary.pad_id, np.int32)
            lengths, second_starts = _join(
                documents.token_ids,
                segments.first_starts[rows],
                segments.first_stops[rows],
                segments.second_starts[rows],
                segments.second_stops[rows],
                end_ids,
                input_ids,
            )
            yield Examples(
                input_ids=input_ids,
                lengths=lengths,
                second_starts=second_starts,
                is_random_next=segments.is_random_next[rows],
                keys=keys[rows],
            )

    def _encode(self, examples: Examples, masked: MaskedTokens | None) -> np.ndarray:
        if masked:
            features = schema.masked_features(self._config)
            values = _masked_values(examples, masked)
        else:
            features = schema.unmasked_features(self._config)
            values = _unmasked_values(examples)
        return records.encode_records(
            {feature.role: values[feature.role] for feature in features},
            features,
            lengths=examples.lengths,
        )

    def _example_statistics(self, examples: Examples, masked: MaskedTokens) -> Statistics:
        statistics = self._empty_statistics()
        num_predictions = int(masked.num_predictions.sum())
        statistics.counts.update(
            examples=len(examples.lengths),
            example_tokens=int(examples.lengths.sum()),
            random_next=int(examples.is_random_next.sum()),
            predictions=num_predictions,
            predictions_masked=masked.num_masked,
            predictions_kept=masked.num_kept,
            predictions_random=num_predictions - masked.num_masked - masked.num_kept,
        )
        statistics.labels += self._bincount(masked.labels[_is_predicted(masked)])
        statistics.example_tokens += np.bincount(
            examples.lengths, minlength=self._config.max_seq_length + 1
        )
        # The examples are in the order of their keys.
        statistics.samples = [
            _sample(examples, masked, index)
            for index in range(min(NUM_SAMPLES, len(examples.keys)))
        ]
        return statistics

    def _empty_statistics(self) -> Statistics:
        return Statistics.empty(
            vocab_size=len(self._vocabulary), max_seq_length=self._config.max_seq_length
        )

    def _bincount(self, token_ids: np.ndarray) -> np.ndarray:
        return np.bincount(token_ids, minlength=len(self._vocabulary))


def _document_streams(
    seed: np.uint64, documents: TokenizedDocuments, dupe: int
) -> np.ndarray:
    """uint64 [D]: a stream for each document in one pass."""
    copies = np.arange(documents.num_documents) - first_copies(documents)
    streams = fold_in(fold_in(seed, documents.keys[:, 0]), documents.keys[:, 1])
    return fold_in(fold_in(streams, copies.astype(np.uint64)), np.uint64(dupe))


def _example_keys(streams: np.ndarray, segments: pairing.Segments) -> np.ndarray:
    """uint64 [N] below 2**63: from the document's stream and the example's number."""
    numbers = np.arange(len(segments.documents)) - np.searchsorted(
        segments.documents, segments.documents
    )
    of_documents = fold_in(streams, _EXAMPLE)[segments.documents]
    return fold_in(of_documents, numbers.astype(np.uint64)) >> np.uint64(1)


@compiled
def _join(
    token_ids, first_starts, first_stops, second_starts, second_stops, ends, input_ids
):
    """Writes [CLS] first [SEP] second [SEP] into padded rows; `ends` holds the two ids.

    Returns the rows' lengths and where their second segments start.
    """
    lengths = np.empty(len(input_ids), np.int64)
    starts = np.empty(len(input_ids), np.int64)
    for row in range(len(input_ids)):
        ids = input_ids[row]
        ids[0] = ends[0]
        length = _append(ids, 1, token_ids, first_starts[row], first_stops[row], ends[1])
        starts[row] = length
        if second_starts[row] < second_stops[row]:
            length = _append(
                ids, length, token_ids, second_starts[row], second_stops[row], ends[1]
            )
        lengths[row] = length
    return lengths, starts


@compiled
def _append(ids, length, token_ids, start, stop, end_id):
    """Writes a segment and its [SEP] after `length` ids, and returns the new length."""
    for index in range(start, stop):
        ids[length] = token_ids[index]
        length += 1
    ids[length] = end_id
    return length + 1


@compiled
def _hash_spans(token_ids, splits):
    """uint64 [S]: a hash of the tokens of each span."""
    hashes = np.empty(len(splits) - 1, np.uint64)
    for span in range(len(hashes)):
        bits = np.uint64(0)
        for index in range(splits[span], splits[span + 1]):
            bits = fold_in(bits, np.uint64(token_ids[index]))
        hashes[span] = bits
    return hashes


def _masked_values(examples: Examples, masked: MaskedTokens) -> Mapping[str, np.ndarray]:
    position = np.arange(examples.input_ids.shape[1])
    is_used = position < examples.lengths[:, np.newaxis]
    is_second = is_used & (position >= examples.second_starts[:, np.newaxis])
    return {
        "input_ids": masked.input_ids,
        "input_mask": is_used,
        "segment_ids": is_second,
        "masked_lm_positions": masked.positions,
        "masked_lm_ids": masked.labels,
        "masked_lm_weights": _is_predicted(masked).astype(np.float32),
        "next_sentence_labels": examples.is_random_next[:, np.newaxis],
    }


def _unmasked_values(examples: Examples) -> Mapping[str, np.ndarray]:
    return {
        "input_ids": examples.input_ids,
        "second_segment_start": examples.second_starts[:, np.newaxis],
        "example_key": examples.keys.astype(np.int64)[:, np.newaxis],
        "next_sentence_labels": examples.is_random_next[:, np.newaxis],
    }


def _is_predicted(masked: MaskedTokens) -> np.ndarray:
    """Bool [N, P]: what is a prediction and no padding."""
    index = np.arange(masked.positions.shape[1])
    return index < masked.num_predictions[:, np.newaxis]


def _sample(examples: Examples, masked: MaskedTokens, index: int) -> SampledExample:
    count = masked.num_predictions[index]
    return SampledExample(  # copies, for a view keeps the whole shard in memory
        key=int(examples.keys[index]),
        input_ids=masked.input_ids[index, : examples.lengths[index]].copy(),
        second_start=int(examples.second_starts[index]),
        positions=masked.positions[index, :count].copy(),
        labels=masked.labels[index, :count].copy(),
        is_random_next=int(examples.is_random_next[index]),
    )


def _by_power_of_two(sizes: np.ndarray) -> np.ndarray:
    """int64 [48]: how many of the sizes are from 2**i to 2**(i + 1) - 1."""
    _, exponents = np.frexp(sizes)
    return np.bincount(exponents - 1, minlength=_POWERS_OF_TWO)
