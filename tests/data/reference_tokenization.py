"""The original tokenizer's rules, slowly and plainly: what the fast one must equal.

It follows the description of BasicTokenizer and WordpieceTokenizer character by
character and takes Unicode's properties from Python, so that it agrees with the
tables only under Python 3.11 (Unicode 14.0).
"""

import unicodedata

MAX_WORD_LENGTH = 200
CJK_RANGES = (
    range(0x3400, 0x4DC0),
    range(0x4E00, 0xA000),
    range(0xF900, 0xFB00),
    range(0x20000, 0x2A6E0),
    range(0x2A700, 0x2B740),
    range(0x2B740, 0x2B820),
    range(0x2B820, 0x2CEB0),
    range(0x2F800, 0x2FA20),
)


def tokenize(text, vocabulary, *, lower_case):
    """Tokens of a str or of UTF-8 bytes; `vocabulary` is any container of str."""
    return [
        token
        for word in split_words(text, lower_case=lower_case)
        for token in split_word(word, vocabulary)
    ]


def split_words(text, *, lower_case):
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="ignore")
    text = "".join(clean(character) for character in text)
    words = []
    for word in text.split():
        if lower_case:
            word = strip_accents(word.lower())
        words += "".join(pad_punctuation(character) for character in word).split()
    return words


def clean(character):
    if character in "\t\n\r" or unicodedata.category(character) == "Zs":
        return " "
    if character in "\0\ufffd" or unicodedata.category(character) in ("Cc", "Cf"):
        return ""
    if any(ord(character) in cjk_range for cjk_range in CJK_RANGES):
        return f" {character} "
    return character


def strip_accents(word):
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(each for each in decomposed if unicodedata.category(each) != "Mn")


def pad_punctuation(character):
    is_sign = ord(character) in (*range(33, 48), *range(58, 65), *range(91, 97)) or (
        123 <= ord(character) <= 126
    )
    if is_sign or unicodedata.category(character).startswith("P"):
        return f" {character} "
    return character


def split_word(word, vocabulary):
    """Greedy longest match first; one [UNK] for all of it if anything is left over."""
    pieces = []
    start = 0
    while start < len(word) <= MAX_WORD_LENGTH:
        prefix = "##" if start else ""
        for end in range(len(word), start, -1):
            if prefix + word[start:end] in vocabulary:
                break
        else:
            return ["[UNK]"]
        pieces.append(prefix + word[start:end])
        start = end
    return pieces or ["[UNK]"]
