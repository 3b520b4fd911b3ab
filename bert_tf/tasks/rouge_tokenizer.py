"""The words that ROUGE counts in texts of any script."""

import functools
import unicodedata

from rouge_score.tokenizers import DefaultTokenizer, Tokenizer

_STEMMER = DefaultTokenizer(use_stemmer=True)
_LETTERS = ("L", "M", "N")  # Unicode's categories of letters, their marks, and numbers


class RougeTokenizer(Tokenizer):
    """Splits as rouge_score with its stemmer does, and does not drop other alphabets.

    Of ASCII text the words are the same. Others are runs of letters and digits in lower
    case, without stems; in Chinese, Japanese and Korean each character is a word.
    """

    def tokenize(self, text: str) -> list[str]:
        """The words of a text."""
        words = "".join(map(_with_spaces, text.lower())).split()
        return list(map(_stem, words))


@functools.cache
def _with_spaces(character: str) -> str:
    if not unicodedata.category(character).startswith(_LETTERS):
        return " "
    is_wide = unicodedata.east_asian_width(character) == "W"
    return f" {character} " if is_wide else character


@functools.lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    return "".join(_STEMMER.tokenize(word)) if word.isascii() else word
