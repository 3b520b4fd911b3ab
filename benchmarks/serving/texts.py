"""Texts of an exact number of tokens, and a vocabulary that they are made of."""

import itertools
import random
import string

from bert_tf.config import SPECIAL_TOKENS
from bert_tf.data.vocab import Vocabulary
from bert_tf.errors import UserError

NUM_TEXTS = 32  # of each length
BATCH_SIZES = (1, 2, 4, 8, 16, 32)  # which give whole batches
_VOCAB_SIZE = 30522  # of the published uncased models
_NUM_FRAMING = 2  # [CLS] and [SEP]
_SENTENCE = 12  # tokens of a sentence, its full stop included
_FEWEST_WORDS = 1000


def make_vocabulary() -> Vocabulary:
    """An uncased one of the published size: signs, letters, and words of syllables."""
    consonants = sorted(set(string.ascii_lowercase) - set("aeiou"))
    syllables = ["".join(pair) for pair in itertools.product(consonants, "aeiou")]
    characters = [*string.punctuation, *string.digits, *string.ascii_lowercase]
    pieces = [f"##{piece}" for piece in (*string.ascii_lowercase, *syllables)]
    words = (
        "".join(parts)
        for number in (1, 2, 3)
        for parts in itertools.product(syllables, repeat=number)
    )
    tokens = itertools.chain(SPECIAL_TOKENS, characters, pieces, words)
    return Vocabulary(tuple(itertools.islice(tokens, _VOCAB_SIZE)))


def make_texts(vocabulary: Vocabulary, length: int) -> list[str]:
    """Sentences of words that are tokens.

    Args:
        vocabulary: an uncased one.
        length: tokens of each text, at least 3, [CLS] and [SEP] included.

    Returns:
        `NUM_TEXTS` texts, the same for the same arguments.

    Raises:
        UserError: the vocabulary has hardly any words.
    """
    words = [token for token in vocabulary.tokens if _is_word(token)]
    if len(words) < _FEWEST_WORDS:
        raise UserError(
            f"--vocab_file: expected at least {_FEWEST_WORDS} words of lower-case "
            f"letters, received {len(words)}; give an uncased vocabulary of English."
        )
    rng = random.Random(length)
    return [_make_text(words, length - _NUM_FRAMING, rng) for _ in range(NUM_TEXTS)]


def _is_word(token: str) -> bool:
    return len(token) > 1 and token.isascii() and token.isalpha() and token.islower()


def _make_text(words: list[str], num_tokens: int, rng: random.Random) -> str:
    sentences = []
    for start in range(0, num_tokens, _SENTENCE):
        num_words = min(_SENTENCE, num_tokens - start) - 1  # a full stop is a token
        sentence = " ".join(rng.choices(words, k=num_words))
        sentences.append(f"{sentence.capitalize()}.")
    return " ".join(sentences)
