"""Learns a WordPiece vocabulary from counted words."""

import collections
from collections.abc import Iterable, Mapping

from absl import logging
from tensorflow_text.tools.wordpiece_vocab import wordpiece_tokenizer_learner_lib

from bert_tf.config import SPECIAL_TOKENS
from bert_tf.data.vocab import Vocabulary
from bert_tf.errors import UserError

# The learner is plain Python and holds every substring of every word: about 2 GB for
# this many. Rarer words hardly change which pieces are frequent.
MAX_WORDS = 300_000
MAX_PIECE_LENGTH = 50  # characters; longer words teach nothing
MIN_PIECE_COUNT = 2  # what occurs once is a word, not a piece of several
NUM_ITERATIONS = 4  # the learner's default; the pieces hardly change after three
# More pieces than wanted are cut to size, the rarest first, if there are not too many.
MAX_EXCESS = 1.1


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
    required = [*SPECIAL_TOKENS, *_single_characters(word_counts, characters)]
    if len(required) > vocab_size:
        raise UserError(
            f"--vocab_size: expected at least {len(required)} tokens for "
            f"{len(characters)} characters at the start and inside of words, received "
            f"{vocab_size}; raise it, or raise --min_character_count."
        )
    num_pieces = vocab_size - len(required)
    pieces = _learn_pieces(known, num_pieces) if num_pieces else []
    return Vocabulary((*required, *pieces[:num_pieces]))


def _frequent_characters(word_counts: Mapping[str, int], min_count: int) -> set[str]:
    counts: collections.Counter[str] = collections.Counter()
    for word, count in word_counts.items():
        for character in word:
            counts[character] += count
    return {character for character, count in counts.items() if count >= min_count}


def _single_characters(words: Iterable[str], characters: set[str]) -> list[str]:
    starts = {word[0] for word in words} & characters
    continuations = {character for word in words for character in word[1:]} & characters
    return sorted(starts) + sorted(f"##{character}" for character in continuations)


def _learn_pieces(words: Mapping[str, int], num_pieces: int) -> list[str]:
    """Pieces of several characters by falling frequency: enough, or all there are."""
    short = ((word, n) for word, n in words.items() if len(word) <= MAX_PIECE_LENGTH)
    by_frequency = sorted(short, key=lambda item: (-item[1], item[0]))[:MAX_WORDS]
    # Every piece is counted at most once where a piece can start, so that so many
    # pieces can only be had below this count.
    highest = sum(len(word) * count for word, count in by_frequency) // num_pieces
    low, high = MIN_PIECE_COUNT, max(highest, MIN_PIECE_COUNT)
    enough: list[str] = []
    pieces: list[str] = []
    # In English the count is near a 30th of that, and the number of pieces falls about
    # as its power -2/3. That gets there in two or three passes; a pass takes long.
    guess = highest // 30
    while low <= high and not num_pieces <= len(pieces) <= MAX_EXCESS * num_pieces:
        min_count = min(max(guess, low), high)
        pieces = _pieces_with_count(by_frequency, min_count)
        logging.info(
            "%d pieces occur %d times or more; %d are wanted.",
            len(pieces),
            min_count,
            num_pieces,
        )
        if len(pieces) >= num_pieces:
            enough, low = pieces, min_count + 1
        else:
            high = min_count - 1
        aim = (1 + MAX_EXCESS) / 2 * num_pieces
        guess = round(min_count * (len(pieces) / aim) ** 1.5)
    return enough or pieces


def _pieces_with_count(words: list[tuple[str, int]], min_count: int) -> list[str]:
    params = wordpiece_tokenizer_learner_lib.Params(
        upper_thresh=None,
        lower_thresh=None,
        num_iterations=NUM_ITERATIONS,
        max_input_tokens=None,
        max_token_length=MAX_PIECE_LENGTH,
        max_unique_chars=None,
        vocab_size=None,
        slack_ratio=None,
        include_joiner_token=True,
        joiner="##",
        reserved_tokens=[],
    )
    learned = wordpiece_tokenizer_learner_lib.learn_with_thresh(words, min_count, params)
    return [token for token in learned if len(token.removeprefix("##")) > 1]
