"""Next-sentence pairs, as google-research/bert makes them.

Pairing needs no text: documents are sequences of sentence lengths, and a segment is a
span of one document's tokens, since the sentences of a segment follow each other.
"""

import collections
import dataclasses
import random
from collections.abc import Iterator, Sequence

# [CLS] A [SEP] B [SEP]
NUM_SPECIAL_TOKENS = 3
_MAX_DRAWS = 10


@dataclasses.dataclass(frozen=True)
class Segment:
    """Consecutive tokens of one document."""

    document: int  # index into the documents that were paired together
    start: int  # index of the first token
    stop: int  # index after the last one

    def __len__(self) -> int:
        return self.stop - self.start


@dataclasses.dataclass(frozen=True)
class SentencePair:
    """What one example is made of."""

    first: Segment
    second: Segment
    is_random_next: bool  # the label: whether `second` is of another document


def pair_sentences(
    documents: Sequence[Sequence[int]],
    index: int,
    *,
    max_seq_length: int,
    short_seq_prob: float,
    rng: random.Random,
    counts: collections.Counter[str],
) -> Iterator[SentencePair]:
    """The pairs of one document, in order.

    Sentences are collected until they fill a target length: `max_seq_length` less three
    special tokens, or with probability `short_seq_prob`, drawn once a document, a random
    length from 2. The first few of them, randomly many, are the first segment. The
    second is, with probability 1/2 or if there is only one sentence, from a random place
    of another document, and the unused sentences are collected again; else it is the
    rest. The longer segment loses tokens at random ends until both fit.

    Where ten draws give no other document, the original labels a pair of the same
    document as random. Here such a pair gets its true next sentences; where there are
    none, it is dropped. Both are counted.

    Args:
        documents: for each document of the bucket its sentence ends, [S] integers: the
            index after the last token of each sentence. No sentence is empty.
        index: which document.
        max_seq_length: in tokens, the three special ones included.
        short_seq_prob: between 0 and 1.
        rng: seeded for this document and duplicate, so that it does not matter when or
            where the other documents are paired.
        counts: `no_partner_actual_next` and `no_partner_dropped` are added to.

    Yields:
        Pairs with at least one token in each segment.

    Source: Devlin et al. 2019, 3.1 and appendix A.2; google-research/bert,
    create_pretraining_data.py, `create_instances_from_document`.
    """
    ends = documents[index]
    num_sentences = len(ends)
    max_tokens = max_seq_length - NUM_SPECIAL_TOKENS
    target_length = max_tokens
    if rng.random() < short_seq_prob:
        target_length = rng.randint(2, max_tokens)

    first_sentence = 0
    while first_sentence < num_sentences:
        start = _start(ends, first_sentence)
        stop_sentence = _fill(ends, first_sentence, start + target_length)
        chunk_size = stop_sentence - first_sentence
        num_first = rng.randint(1, chunk_size - 1) if chunk_size > 1 else 1
        split_sentence = first_sentence + num_first
        first = Segment(index, start, int(ends[split_sentence - 1]))

        wants_random = chunk_size == 1 or rng.random() < 0.5
        other = _draw_other(len(documents), index, rng) if wants_random else None
        if other is not None:
            second = _random_segment(
                documents[other], other, target_length - len(first), rng
            )
            next_sentence = split_sentence
        elif chunk_size > 1:
            counts["no_partner_actual_next"] += wants_random
            second = Segment(index, first.stop, int(ends[stop_sentence - 1]))
            next_sentence = stop_sentence
        else:
            counts["no_partner_dropped"] += 1
            first_sentence = stop_sentence
            continue
        first, second = _truncate(first, second, max_tokens, rng)
        yield SentencePair(first, second, is_random_next=other is not None)
        first_sentence = next_sentence


def _start(ends: Sequence[int], sentence: int) -> int:
    return int(ends[sentence - 1]) if sentence else 0


def _fill(ends: Sequence[int], sentence: int, target: int) -> int:
    """The index after the first sentence from `sentence` on that ends at `target`."""
    while sentence < len(ends) - 1 and ends[sentence] < target:
        sentence += 1
    return sentence + 1


def _draw_other(num_documents: int, index: int, rng: random.Random) -> int | None:
    for _ in range(_MAX_DRAWS):
        other = rng.randrange(num_documents)
        if other != index:
            return other
    return None


def _random_segment(
    ends: Sequence[int], document: int, target_length: int, rng: random.Random
) -> Segment:
    sentence = rng.randrange(len(ends))
    start = _start(ends, sentence)
    stop = int(ends[_fill(ends, sentence, start + target_length) - 1])
    return Segment(document, start, stop)


def _truncate(
    first: Segment, second: Segment, max_tokens: int, rng: random.Random
) -> tuple[Segment, Segment]:
    """Takes single tokens from the longer segment, front or back with equal chances."""
    bounds = [[first.start, first.stop], [second.start, second.stop]]
    lengths = [len(first), len(second)]
    while sum(lengths) > max_tokens:
        longer = 0 if lengths[0] > lengths[1] else 1
        if rng.random() < 0.5:
            bounds[longer][0] += 1
        else:
            bounds[longer][1] -= 1
        lengths[longer] -= 1
    return Segment(first.document, *bounds[0]), Segment(second.document, *bounds[1])
