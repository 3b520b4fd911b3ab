"""The masked language model's task: which tokens to hide, and behind what."""

import dataclasses
import random
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class MaskedTokens:
    """An example's tokens after masking. Unmasking is `ids[positions[i]] = labels[i]`."""

    ids: list[int]
    positions: list[int]  # ascending
    labels: list[int]  # the ids that were there
    num_masked: int  # how many of the positions now hold [MASK]
    num_kept: int  # how many were left as they were
    num_random: int  # how many got a random token, which may happen to be the same


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


def candidate_words(
    ids: Sequence[int], *, special_ids: frozenset[int], continuation_ids: frozenset[int]
) -> list[list[int]]:
    """The words of an example, each as the positions of its pieces.

    A word never reaches across a special token. (In the original, a continuation at the
    start of the second segment joins the last word of the first one.)

    Args:
        ids: [CLS] first segment [SEP] second segment [SEP].
        special_ids: of [CLS] and [SEP].
        continuation_ids: of the pieces that start with `##`; empty for whole-word
            masking turned off, so that each token is a word.

    Returns:
        Words in order, each a non-empty list of positions.
    """
    if not continuation_ids:  # the usual case, at a fifth of the cost
        return [
            [position]
            for position, token_id in enumerate(ids)
            if token_id not in special_ids
        ]
    words: list[list[int]] = []
    is_in_word = False
    for position, token_id in enumerate(ids):
        if token_id in special_ids:
            is_in_word = False
        elif is_in_word and token_id in continuation_ids:
            words[-1].append(position)
        else:
            words.append([position])
            is_in_word = True
    return words


def mask_tokens(
    ids: Sequence[int],
    words: Sequence[Sequence[int]],
    *,
    num_predictions: int,
    mask_id: int,
    vocab_size: int,
    rng: random.Random,
) -> MaskedTokens:
    """Hides randomly chosen words: 80 % behind [MASK], 10 % random, 10 % left.

    Words are chosen in random order as long as they fit; one with more pieces than are
    left to predict is passed over. What hides a piece is drawn for each piece, random
    tokens from the whole vocabulary, special and unused ones included.

    Args:
        ids: the example without padding.
        words: what `candidate_words` gave.
        num_predictions: how many pieces to choose at most.
        mask_id: of [MASK].
        vocab_size: random ids are below.
        rng: seeded for this example.

    Returns:
        Up to `num_predictions` predictions: fewer where the words do not fit, even none.

    Source: Devlin et al. 2019, 3.1 task 1; google-research/bert,
    create_pretraining_data.py, `create_masked_lm_predictions`.
    """
    positions = sorted(_choose(words, num_predictions, rng))
    masked_ids = list(ids)
    num_masked = num_kept = 0
    for position in positions:
        draw = rng.random()
        if draw < 0.8:
            masked_ids[position] = mask_id
            num_masked += 1
        elif draw < 0.9:
            num_kept += 1
        else:
            masked_ids[position] = rng.randrange(vocab_size)
    return MaskedTokens(
        ids=masked_ids,
        positions=positions,
        labels=[ids[position] for position in positions],
        num_masked=num_masked,
        num_kept=num_kept,
        num_random=len(positions) - num_masked - num_kept,
    )


def _choose(
    words: Sequence[Sequence[int]], num_predictions: int, rng: random.Random
) -> list[int]:
    chosen: list[int] = []
    # Words are drawn only until enough are chosen: shuffling all takes longer than the
    # rest of the example.
    remaining = list(words)
    while remaining and len(chosen) < num_predictions:
        index = int(rng.random() * len(remaining))  # a third of the cost of randrange
        word = remaining[index]
        remaining[index] = remaining[-1]
        remaining.pop()
        if len(chosen) + len(word) <= num_predictions:
            chosen.extend(word)
    return chosen
