"""Cuts documents into the segments that examples are made of.

Nothing here needs to know the tokens: documents are spans of sentences, sentences are
spans of tokens, and a segment is a span of tokens too, since its sentences follow each
other. All spans are indexes into the arrays of `bert_tf.data.tokenized`.
"""

from typing import NamedTuple

import numpy as np

from bert_tf.data.compiled import compiled
from bert_tf.data.randomness import draw_below, draw_share

# [CLS] A [SEP] B [SEP], or [CLS] A [SEP]
NUM_SPECIAL_TOKENS = 3
NUM_SPECIAL_TOKENS_SINGLE = 2
_MAX_DRAWS = 10


class Segments(NamedTuple):
    """Where the tokens of N examples are; all int64.

    Attributes:
        documents: [N], the document that the example belongs to, in ascending order.
        first_starts: [N], the first token of the first segment.
        first_stops: [N], the token after its last.
        second_starts: [N], the same of the second segment.
        second_stops: [N], equal to second_starts where there is none.
        is_random_next: [N], 1 if the second segment is of another document.
        num_actual_for_random: how often a random next segment was wanted but there was
            no other document, so that the true one was taken.
        num_dropped: how often there was no true one either, so that a sentence is unused.
    """

    documents: np.ndarray
    first_starts: np.ndarray
    first_stops: np.ndarray
    second_starts: np.ndarray
    second_stops: np.ndarray
    is_random_next: np.ndarray
    num_actual_for_random: int
    num_dropped: int


@compiled
def pair_sentences(
    document_splits, sentence_splits, streams, max_seq_length, short_seq_prob
):
    """Next-sentence pairs, as google-research/bert makes them.

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
        document_splits: int64 [D + 1], which sentences belong to which document.
        sentence_splits: int64 [S + 1], which tokens belong to which sentence; none has
            none.
        streams: uint64 [D], see `bert_tf.data.randomness`.
        max_seq_length: in tokens, the three special ones included.
        short_seq_prob: between 0 and 1.

    Returns:
        Segments with at least one token in each of the two.

    Source: Devlin et al. 2019, 3.1 and appendix A.2; google-research/bert,
    create_pretraining_data.py, `create_instances_from_document`.
    """
    num_documents = len(document_splits) - 1
    max_tokens = max_seq_length - NUM_SPECIAL_TOKENS
    # Each pair uses up a sentence at least.
    rows = np.empty((6, document_splits[-1]), np.int64)
    num_pairs = num_actual_for_random = num_dropped = 0
    state = np.empty(1, np.uint64)
    for document in range(num_documents):
        state[0] = streams[document]
        target_length = max_tokens
        if draw_share(state) < short_seq_prob:
            target_length = 2 + draw_below(state, max_tokens - 1)
        sentence = document_splits[document]
        last_sentence = document_splits[document + 1]
        while sentence < last_sentence:
            first_start = sentence_splits[sentence]
            chunk_stop = _fill(
                sentence_splits, sentence, last_sentence, first_start + target_length
            )
            num_sentences = chunk_stop - sentence
            num_first = 1
            if num_sentences > 1:
                num_first += draw_below(state, num_sentences - 1)
            next_sentence = sentence + num_first
            first_stop = sentence_splits[next_sentence]

            other = -1
            if num_sentences == 1 or draw_share(state) < 0.5:
                other = _draw_other(state, num_documents, document)
                if other < 0 and num_sentences == 1:
                    num_dropped += 1
                    sentence = chunk_stop
                    continue
                num_actual_for_random += other < 0
            if other >= 0:
                second_start, second_stop = _random_segment(
                    document_splits[other],
                    document_splits[other + 1],
                    sentence_splits,
                    target_length - (first_stop - first_start),
                    state,
                )
            else:
                second_start, second_stop = first_stop, sentence_splits[chunk_stop]
                next_sentence = chunk_stop

            first_length = first_stop - first_start
            second_length = second_stop - second_start
            while first_length + second_length > max_tokens:
                from_front = draw_share(state) < 0.5
                if first_length > second_length:
                    first_length -= 1
                    first_start += from_front
                else:
                    second_length -= 1
                    second_start += from_front
            rows[0, num_pairs] = document
            rows[1, num_pairs] = first_start
            rows[2, num_pairs] = first_start + first_length
            rows[3, num_pairs] = second_start
            rows[4, num_pairs] = second_start + second_length
            rows[5, num_pairs] = other >= 0
            num_pairs += 1
            sentence = next_sentence
    return _segments(rows, num_pairs, num_actual_for_random, num_dropped)


def cut_documents(
    document_splits: np.ndarray, sentence_splits: np.ndarray, max_seq_length: int
) -> Segments:
    """Single segments as long as fits, one after the other through each document.

    Sentences are cut where a segment is full: whole ones would leave some places of
    almost every example empty, too few for any other example.

    Args:
        document_splits: int64 [D + 1], which sentences belong to which document.
        sentence_splits: int64 [S + 1], which tokens belong to which sentence.
        max_seq_length: in tokens, the two special ones included.

    Returns:
        Segments, the second ones empty. All but the last of a document are full.

    Source: Liu et al. 2019 (RoBERTa), 4.2, DOC-SENTENCES, but for the cut sentences.
    """
    room = max_seq_length - NUM_SPECIAL_TOKENS_SINGLE
    bounds = sentence_splits[document_splits]
    counts = -(-np.diff(bounds) // room)
    documents = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(len(documents)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = bounds[documents] + room * places
    stops = np.minimum(starts + room, bounds[documents + 1])
    return Segments(documents, starts, stops, stops, stops, np.zeros_like(starts), 0, 0)


@compiled
def _segments(rows, count, num_actual_for_random, num_dropped):
    return Segments(
        rows[0, :count],
        rows[1, :count],
        rows[2, :count],
        rows[3, :count],
        rows[4, :count],
        rows[5, :count],
        num_actual_for_random,
        num_dropped,
    )


@compiled
def _fill(sentence_splits, sentence, last_sentence, target):
    """The sentence after the first one that ends at `target` or after it."""
    while sentence < last_sentence - 1 and sentence_splits[sentence + 1] < target:
        sentence += 1
    return sentence + 1


@compiled
def _draw_other(state, num_documents, document):
    for _ in range(_MAX_DRAWS):
        other = draw_below(state, num_documents)
        if other != document:
            return other
    return -1


@compiled
def _random_segment(first_sentence, last_sentence, sentence_splits, target_length, state):
    sentence = first_sentence + draw_below(state, last_sentence - first_sentence)
    start = sentence_splits[sentence]
    stop = _fill(sentence_splits, sentence, last_sentence, start + target_length)
    return start, sentence_splits[stop]
