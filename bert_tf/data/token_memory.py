"""The tokens of words that were tokenized before: text repeats its words.

A word is here what spaces and line feeds separate, punctuation marks and all. It has the
same tokens wherever it stands, because a space ends every word of the tokenizer's.
"""

import itertools
from collections.abc import Callable

import numpy as np

from bert_tf.data.compiled import compiled

# Where it is begun anew. English reaches the words after hundreds of megabytes; text
# without spaces reaches the bytes soon, and has no use of a memory.
_MAX_WORDS = 1 << 19
_MAX_BYTES = 16 << 20

_SPACE, _LINE_FEED = b" \n"
# FNV-1a (Fowler, Noll and Vo), and what carries all bits of it to the highest ones.
_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class TokenMemory:
    """Tokenizes text, but each different word only once. For one thread at a time."""

    def __init__(self, tokenize: Callable[[list[bytes]], tuple[np.ndarray, np.ndarray]]):
        """Remembers nothing yet.

        Args:
            tokenize: from N words to their token ids, int32 [T], and to which of them
                are each word's, int64 [N + 1].
        """
        self._tokenize = tokenize
        self._forget()

    def tokenize(self, text: bytes) -> tuple[np.ndarray, np.ndarray]:
        """Tokenizes text of S lines.

        Args:
            text: UTF-8.

        Returns:
            Token ids, int32 [T], and which of them are each line's, int64 [S + 1].
        """
        if self._num_words > _MAX_WORDS or self._num_bytes > _MAX_BYTES:
            self._forget()
        data = np.frombuffer(text, np.uint8)
        num_spaces = np.count_nonzero(data == _SPACE)
        num_lines = np.count_nonzero(data == _LINE_FEED) + 1
        words = np.empty(num_spaces + num_lines, np.int64)
        line_splits = np.zeros(num_lines + 1, np.int64)
        self._reserve(num_words=len(words), num_bytes=len(data))
        num_known = self._num_words
        self._num_words = _find_words(
            data,
            self._slots,
            self._bytes,
            self._byte_splits,
            num_known,
            words,
            line_splits,
        )
        if self._num_words > num_known:
            self._learn(num_known)
        return _join_tokens(words, line_splits, self._token_ids, self._token_splits)

    @property
    def _num_bytes(self) -> int:
        return int(self._byte_splits[self._num_words])

    def _forget(self) -> None:
        self._num_words = 0
        self._slots = np.zeros(1, np.uint64)  # 2**k
        self._bytes = np.empty(0, np.uint8)
        self._byte_splits = np.zeros(1, np.int64)
        self._token_ids = np.empty(0, np.int32)
        self._token_splits = np.zeros(1, np.int64)

    def _reserve(self, *, num_words: int, num_bytes: int) -> None:
        """Makes room for so many more, at least doubling what is too small."""
        num_words += self._num_words
        if num_words >= len(self._byte_splits):
            num_words = max(num_words, 2 * len(self._byte_splits))
            self._byte_splits = _grown(self._byte_splits, num_words + 1)
            filled = self._slots
            self._slots = np.zeros(1 << (2 * num_words).bit_length(), np.uint64)
            _fill_slots(self._slots, filled)
        num_bytes += self._num_bytes
        if num_bytes > len(self._bytes):
            self._bytes = _grown(self._bytes, max(num_bytes, 2 * len(self._bytes)))

    def _learn(self, first: int) -> None:
        """Tokenizes the words from `first` on, which have bytes but no tokens yet."""
        splits = self._byte_splits[first : self._num_words + 1].tolist()
        content = self._bytes[splits[0] : splits[-1]].tobytes()
        words = [
            content[start - splits[0] : stop - splits[0]]
            for start, stop in itertools.pairwise(splits)
        ]
        try:
            token_ids, token_splits = self._tokenize(words)
        except BaseException:
            self._forget()  # rather than know words without tokens
            raise
        num_tokens = len(self._token_ids)
        self._token_splits = np.append(self._token_splits, token_splits[1:] + num_tokens)
        self._token_ids = np.append(self._token_ids, token_ids)


def _grown(array: np.ndarray, size: int) -> np.ndarray:
    grown = np.zeros(size, array.dtype)
    grown[: len(array)] = array
    return grown


# A slot holds the upper half of a word's hash, which says where to look for it, and one
# more than its number; 0 is a free slot.
_LOWER_HALF = np.uint64(0xFFFFFFFF)


@compiled
def _first_slot(slots, entry):
    return np.int64(entry >> np.uint64(32)) & (len(slots) - 1)


@compiled
def _number(entry):
    return np.int64(entry & _LOWER_HALF) - 1


@compiled
def _fill_slots(slots, entries):
    for entry in entries:
        if entry:
            slot = _first_slot(slots, entry)
            while slots[slot]:
                slot = (slot + 1) & (len(slots) - 1)
            slots[slot] = entry


@compiled
def _find_words(text, slots, known_bytes, byte_splits, num_known, words, line_splits):
    """Writes the number of each word in the text, and which are each line's.

    Words that are not known get the next numbers. Returns how many are known then.
    """
    num_words = num_lines = start = 0
    bits = _FNV_OFFSET
    for index in range(len(text) + 1):
        byte = text[index] if index < len(text) else np.uint8(_LINE_FEED)
        if byte != _SPACE and byte != _LINE_FEED:
            bits = (bits ^ np.uint64(byte)) * _FNV_PRIME
            continue
        if start < index:
            bits = (bits * _SPREAD) & ~_LOWER_HALF
            slot = _first_slot(slots, bits)
            while slots[slot] and not (
                slots[slot] & ~_LOWER_HALF == bits
                and _is_word(
                    text, start, index, known_bytes, byte_splits, _number(slots[slot])
                )
            ):
                slot = (slot + 1) & (len(slots) - 1)
            if not slots[slot]:
                known_start = byte_splits[num_known]
                for offset in range(index - start):
                    known_bytes[known_start + offset] = text[start + offset]
                num_known += 1
                byte_splits[num_known] = known_start + index - start
                slots[slot] = bits | np.uint64(num_known)
            words[num_words] = _number(slots[slot])
            num_words += 1
        if byte == _LINE_FEED:
            num_lines += 1
            line_splits[num_lines] = num_words
        start = index + 1
        bits = _FNV_OFFSET
    return num_known


@compiled
def _is_word(text, start, stop, known_bytes, byte_splits, number):
    known_start = byte_splits[number]
    if byte_splits[number + 1] - known_start != stop - start:
        return False
    for offset in range(stop - start):
        if text[start + offset] != known_bytes[known_start + offset]:
            return False
    return True


@compiled
def _join_tokens(words, line_splits, token_ids, token_splits):
    """The tokens of all words, and which are each line's."""
    num_tokens = 0
    for index in range(line_splits[-1]):
        word = words[index]
        num_tokens += token_splits[word + 1] - token_splits[word]
    joined = np.empty(num_tokens, token_ids.dtype)
    splits = np.zeros(len(line_splits), np.int64)
    end = 0
    for line in range(len(line_splits) - 1):
        for index in range(line_splits[line], line_splits[line + 1]):
            word = words[index]
            for position in range(token_splits[word], token_splits[word + 1]):
                joined[end] = token_ids[position]
                end += 1
        splits[line + 1] = end
    return joined, splits
