"""The masked language model's task: which tokens to hide, and behind what.

One function masks for the shards and, drawn anew each epoch, in tf.data.
"""

from typing import NamedTuple

import numpy as np

from bert_tf.config import PretrainingDataConfig
from bert_tf.data.compiled import compiled
from bert_tf.data.randomness import draw_below, draw_share
from bert_tf.data.vocab import Vocabulary

_MASKED_SHARE = 0.8
_KEPT_SHARE = 0.1


class MaskedTokens(NamedTuple):
    """N examples after masking; L tokens at most, P predictions at most.

    Unmasking is `input_ids[n, positions[n, i]] = labels[n, i]` for each
    i < num_predictions[n].

    Attributes:
        input_ids: int32 [N, L].
        positions: int32 [N, P], ascending, then 0.
        labels: int32 [N, P], the ids that were there, then 0.
        num_predictions: int64 [N].
        num_masked: how many of all positions now hold [MASK].
        num_kept: how many were left as they were. The rest got a random token, which may
            happen to be the same.
    """

    input_ids: np.ndarray
    positions: np.ndarray
    labels: np.ndarray
    num_predictions: np.ndarray
    num_masked: int
    num_kept: int


def num_to_predict(
    num_tokens: int, *, masked_lm_prob: float, max_predictions_per_seq: int
) -> int:
    """How many tokens to predict: a share of all, at least one, at most the maximum.

    Args:
        num_tokens: special tokens included, padding not.
        masked_lm_prob: the share; halves are rounded to the even number, as the original
            does under Python 3.
        max_predictions_per_seq: the maximum.

    Source: google-research/bert, create_pretraining_data.py,
    `create_masked_lm_predictions`.
    """
    return min(max_predictions_per_seq, max(1, round(num_tokens * masked_lm_prob)))


class Masker:
    """Masks examples as a configuration says; holds what is the same for all of them."""

    def __init__(self, config: PretrainingDataConfig, vocabulary: Vocabulary):
        self._max_predictions = config.max_predictions_per_seq
        self._predictions_by_length = np.array(
            [
                num_to_predict(
                    num_tokens,
                    masked_lm_prob=config.masked_lm_prob,
                    max_predictions_per_seq=config.max_predictions_per_seq,
                )
                for num_tokens in range(config.max_seq_length + 1)
            ]
        )
        self._is_continuation = np.array(
            [
                config.do_whole_word_mask and token.startswith("##")
                for token in vocabulary.tokens
            ]
        )
        # A size is drawn with a chance of 1 / size.
        chances = 1 / np.arange(1, config.max_ngram_size + 1)
        self._ngram_thresholds = np.cumsum(chances / chances.sum())[:-1]
        self._special_ids = np.array([vocabulary.cls_id, vocabulary.sep_id])
        self._mask_id = vocabulary.mask_id

    def mask(
        self, input_ids: np.ndarray, lengths: np.ndarray, streams: np.ndarray
    ) -> MaskedTokens:
        """Hides randomly chosen words: 80 % behind [MASK], 10 % random, 10 % left.

        A word is a token, or with `do_whole_word_mask` all pieces of a word. It never
        reaches across a special token. (In the original, a continuation at the start of
        the second segment joins the last word of the first one.)

        Words are chosen in random order as long as they fit; one with more pieces than
        are left to predict is passed over. With `max_ngram_size` N, the words after a
        chosen one are taken too, as far as they are of the same segment, not yet chosen
        and fit: up to n words, n drawn from 1 to N with a chance of 1 / n. What hides a
        piece is drawn for each piece, random tokens from the whole vocabulary, special
        and unused ones included.

        Args:
            input_ids: int32 [N, L], [CLS] first segment [SEP] (second segment [SEP]),
                then padding. Left as it is.
            lengths: int64 [N], tokens without padding.
            streams: uint64 [N], see `bert_tf.data.randomness`.

        Returns:
            MaskedTokens; fewer predictions where the words do not fit, even none.

        Source: Devlin et al. 2019, 3.1 task 1; google-research/bert,
        create_pretraining_data.py, `create_masked_lm_predictions`. N-grams: Lan et al.
        2020 (ALBERT), 3.2.
        """
        return _mask(
            input_ids.copy(),
            lengths,
            streams,
            self._predictions_by_length,
            self._max_predictions,
            self._special_ids,
            self._is_continuation,
            self._ngram_thresholds,
            self._mask_id,
        )


@compiled
def _mask(
    input_ids,
    lengths,
    streams,
    predictions_by_length,
    max_predictions,
    special_ids,
    is_continuation,
    ngram_thresholds,
    mask_id,
):
    num_examples, max_length = input_ids.shape
    positions = np.zeros((num_examples, max_predictions), np.int32)
    labels = np.zeros((num_examples, max_predictions), np.int32)
    num_predictions = np.zeros(num_examples, np.int64)
    word_splits = np.empty(max_length + 1, np.int64)
    is_last_of_segment = np.empty(max_length, np.bool_)
    is_chosen = np.empty(max_length, np.bool_)
    remaining = np.empty(max_length, np.int64)
    state = np.empty(1, np.uint64)
    num_masked = num_kept = 0
    for example in range(num_examples):
        state[0] = streams[example]
        ids = input_ids[example]
        length = lengths[example]
        is_chosen[:length] = False
        num_words = _find_words(
            ids[:length], special_ids, is_continuation, word_splits, is_last_of_segment
        )
        _choose_words(
            word_splits,
            is_last_of_segment,
            num_words,
            predictions_by_length[length],
            ngram_thresholds,
            state,
            remaining,
            is_chosen,
        )
        count = 0
        for position in range(length):
            if not is_chosen[position]:
                continue
            positions[example, count] = position
            labels[example, count] = ids[position]
            count += 1
            share = draw_share(state)
            if share < _MASKED_SHARE:
                ids[position] = mask_id
                num_masked += 1
            elif share < _MASKED_SHARE + _KEPT_SHARE:
                num_kept += 1
            else:
                ids[position] = draw_below(state, len(is_continuation))
        num_predictions[example] = count
    return MaskedTokens(
        input_ids, positions, labels, num_predictions, num_masked, num_kept
    )


@compiled
def _find_words(ids, special_ids, is_continuation, word_splits, is_last_of_segment):
    """Writes where each word starts, and after the last where it ends."""
    num_words = 0
    was_special = True
    for position in range(len(ids)):
        token_id = ids[position]
        is_special = token_id == special_ids[0] or token_id == special_ids[1]
        if is_special:
            if num_words:
                is_last_of_segment[num_words - 1] = True
        elif was_special or not is_continuation[token_id]:
            word_splits[num_words] = position
            is_last_of_segment[num_words] = False
            num_words += 1
        was_special = is_special
    # The last word ends before the final [SEP]; others, of which one may be followed by
    # a [SEP], are at most as long as what is between their starts.
    word_splits[num_words] = len(ids) - 1
    return num_words


@compiled
def _choose_words(
    word_splits,
    is_last_of_segment,
    num_words,
    num_wanted,
    ngram_thresholds,
    state,
    remaining,
    is_chosen,
):
    """Marks the positions of randomly chosen words."""
    for word in range(num_words):
        remaining[word] = word
    num_remaining = num_words
    num_chosen = 0
    # Words are drawn only until enough are chosen: shuffling all takes longer than the
    # rest of the example.
    while num_remaining and num_chosen < num_wanted:
        index = draw_below(state, num_remaining)
        word = remaining[index]
        num_remaining -= 1
        remaining[index] = remaining[num_remaining]
        if is_chosen[word_splits[word]]:
            continue  # with the words before it
        ngram_size = 1
        if len(ngram_thresholds):
            ngram_size += np.searchsorted(
                ngram_thresholds, draw_share(state), side="right"
            )
        for _ in range(ngram_size):
            start = word_splits[word]
            is_last = is_last_of_segment[word]
            stop = word_splits[word + 1] - (is_last and word < num_words - 1)
            if is_chosen[start] or num_chosen + stop - start > num_wanted:
                break
            is_chosen[start:stop] = True
            num_chosen += stop - start
            if is_last:
                break
            word += 1
