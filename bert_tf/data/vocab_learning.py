"""Learns a WordPiece vocabulary from counted words."""

import collections
from collections.abc import Mapping

from tensorflow_text.tools.wordpiece_vocab import wordpiece_tokenizer_learner_lib

from bert_tf.config import SPECIAL_TOKENS
from bert_tf.data.vocab import Vocabulary
from bert_tf.errors import UserError

# The learner is plain Python and holds every substring of every word: about 2 GB for
# this many. Rarer words hardly change which pieces are frequent.
MAX_WORDS = 300_000
MIN_PIECE_COUNT = 2  # what occurs once is a word, not a piece of several
# The learner stops once it is this much below the size it aims at, so that aiming as
# much higher and cutting the rarest pieces gives the size asked for.
_SLACK = 0.05


def learn_vocabulary(
    word_counts: Mapping[str, int], *, vocab_size: int, min_character_count: int
) -> Vocabulary:
    """Learns WordPieces for words.

    First come the special tokens, then every frequent character as the start of a word
    and, after ##, as its continuation, each where words have it so, then longer pieces
    by falling frequency. The result depends on the counts alone, not on their order.

    Args:
        word_counts: how often each word, as `WordSplitter.split` gives it, occurs.
        vocab_size: tokens of the vocabulary; there are fewer if the words have no more
            pieces that occur twice.
        min_character_count: a character that occurs less often is left out, and words
            that hold it will be [UNK].

    Returns:
        Vocabulary of at most `vocab_size` tokens.

    Raises:
        UserError: there is no word with frequent characters only, or their characters
            alone are more than `vocab_size` tokens.

    Source: tensorflow_text.tools.wordpiece_vocab, top-down WordPiece.
    """
    characters = _frequent_characters(word_counts, min_character_count)
    known = {
        word: count for word, count in word_counts.items() if characters.issuperset(word)
    }
    if not known:
        raise UserError(
            f"Expected words of characters that occur {min_character_count} times, "
            f"received {len(word_counts)} distinct words and none such; give more text "
            "or lower --min_character_count."
        )
    required = [*SPECIAL_TOKENS, *_single_characters(known)]
    if len(required) > vocab_size:
        raise UserError(
            f"--vocab_size: expected at least {len(required)} tokens for "
            f"{len(characters)} characters at the start and inside of words, received "
            f"{vocab_size}; raise it, or raise --min_character_count."
        )
    num_pieces = vocab_size - len(required)
    pieces = _learn_pieces(known, num_pieces=num_pieces, num_characters=len(characters))
    return Vocabulary((*required, *pieces[:num_pieces]))


def _frequent_characters(word_counts: Mapping[str, int], min_count: int) -> set[str]:
    counts: collections.Counter[str] = collections.Counter()
    for word, count in word_counts.items():
        for character in word:
            counts[character] += count
    return {character for character, count in counts.items() if count >= min_count}


def _single_characters(words: Mapping[str, int]) -> list[str]:
    starts = {word[0] for word in words}
    continuations = {f"##{character}" for word in words for character in word[1:]}
    return sorted(starts) + sorted(continuations)


def _learn_pieces(
    words: Mapping[str, int], *, num_pieces: int, num_characters: int
) -> list[str]:
    """Pieces of several characters by falling frequency, `num_pieces` or about that."""
    if num_pieces == 0:
        return []
    most_frequent = sorted(words.items(), key=lambda item: (-item[1], item[0]))[
        :MAX_WORDS
    ]
    # Every piece is counted at most once where a piece can start, so that so many
    # pieces can only be had below this count: a shorter search than from the top.
    num_starts = sum(len(word) * count for word, count in most_frequent)
    # The learner has each character in both forms and its own reserved tokens.
    aim = int(num_pieces / (1 - _SLACK)) + 1 + 2 * num_characters + len(SPECIAL_TOKENS)
    learned = wordpiece_tokenizer_learner_lib.learn(
        most_frequent,
        vocab_size=aim,
        reserved_tokens=list(SPECIAL_TOKENS),
        lower_thresh=MIN_PIECE_COUNT,
        upper_thresh=max(num_starts // num_pieces, MIN_PIECE_COUNT),
        max_unique_chars=num_characters,
        slack_ratio=_SLACK * num_pieces / aim,
    )
    return [
        token
        for token in learned
        if token not in SPECIAL_TOKENS and len(token.removeprefix("##")) > 1
    ]
