"""Splits text into normalised words: the step of BERT's tokenizer before WordPiece.

Letters in shapes: N strings, C code points of the input with one added space a
string, K characters that words are made of, W words.
"""

from typing import NamedTuple

import tensorflow as tf

from bert_tf.data.code_points import (
    ALONE,
    CASE_IGNORABLE,
    CASED,
    DROPPED,
    LETTER,
    PAGE_SIZE,
    SPACE,
    load_tables,
)

MAX_WORD_LENGTH = 200  # characters; a longer word is [UNK], as in the original

_CAPITAL_SIGMA = 0x3A3
_FINAL_SIGMA = 0x3C2


class Words(NamedTuple):
    """The words of N strings, flat, and where their characters came from.

    Attributes:
        text: string [W], the normalised words in UTF-8.
        row_splits: int64 [N + 1], which words belong to which string.
        characters: int32 [K], code points of all words.
        splits: int64 [W + 1], which characters belong to which word.
        sources: int64 [K], from each character to the index of its code point among
            all code points of the input.
    """

    text: tf.Tensor
    row_splits: tf.Tensor
    characters: tf.Tensor
    splits: tf.Tensor
    sources: tf.Tensor


class WordSplitter(tf.Module):
    """Splits text into words as the original's BasicTokenizer does.

    Control characters go, words end at white space, punctuation marks and CJK
    ideographs are words of their own. With `lower_case`, words are lower-cased,
    decomposed (NFD), and stripped of accents. Bytes that are no UTF-8 are skipped.

    Unicode's properties are those of version 14.0, from tables, whatever the versions
    of Python and ICU. It works eagerly, in tf.data and in a SavedModel, without XLA.

    Source: BasicTokenizer of the original tokenization.py.
    """

    def __init__(self, *, lower_case: bool):
        super().__init__()
        self.lower_case = lower_case
        tables = load_tables(lower_case=lower_case)
        self._page_starts = tf.constant(tables.page_starts)
        self._pages = tf.constant(tables.pages)
        self._kinds = tf.constant(tables.kinds)
        if lower_case:
            self._num_outputs = tf.constant(tables.num_outputs)
            self._outputs = tf.constant(tables.outputs.reshape(-1))
            self._combining = tf.constant(tables.combining)
            self._starts_run = tf.constant(tables.starts_run)
            self._sigma_context = tf.constant(tables.sigma_context)

    def split(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings into words.

        Args:
            text: string [N], UTF-8.

        Returns:
            RaggedTensor, string [N, (words)]: normalised words, none of them empty.
        """
        words = self.words(
            tf.strings.unicode_decode(with_final_space(text), "UTF-8", "ignore")
        )
        return tf.RaggedTensor.from_row_splits(
            words.text, words.row_splits, validate=False
        )

    def words(self, decoded: tf.RaggedTensor) -> Words:
        """Splits decoded strings, each ending in a space, into words.

        The space keeps a string's first word from joining the words before it, now
        that all strings are one flat vector.

        Args:
            decoded: RaggedTensor, int32 [N, (code points)], C in all.

        Returns:
            Words.
        """
        codes = decoded.flat_values
        if self.lower_case:
            codes = tf.cond(
                tf.reduce_any(codes == _CAPITAL_SIGMA),
                lambda: self._with_final_sigmas(codes),
                lambda: codes,
            )
        entries = self._entries(codes)
        kinds = tf.gather(self._kinds, entries)

        # Spaces are kept until they have ended the words before them.
        if self.lower_case:
            sources, characters = self._normalize(codes, entries)
        else:
            sources = tf.where(kinds >= SPACE)[:, 0]
            characters = tf.gather(codes, sources)
        kinds = tf.gather(kinds, sources)
        previous_kinds = tf.concat([[SPACE], kinds[:-1]], axis=0)
        starts_word = (kinds == ALONE) | ((kinds == LETTER) & (previous_kinds != LETTER))

        in_words = tf.where(kinds >= ALONE)[:, 0]
        sources = tf.gather(sources, in_words)
        characters = tf.gather(characters, in_words)
        word_starts = tf.where(tf.gather(starts_word, in_words))[:, 0]
        num_characters = tf.size(in_words, tf.int64)
        splits = tf.concat([word_starts, num_characters[tf.newaxis]], axis=0)
        text = tf.strings.unicode_encode(
            tf.RaggedTensor.from_row_splits(characters, splits, validate=False), "UTF-8"
        )
        row_splits = tf.searchsorted(
            tf.gather(sources, word_starts), decoded.row_splits, out_type=tf.int64
        )
        return Words(text, row_splits, characters, splits, sources)

    def source_ends(self, decoded: tf.RaggedTensor, starts: tf.Tensor) -> tf.Tensor:
        """Where each code point ends, with the marks stripped from it.

        Args:
            decoded: what `words` was given, C code points in all.
            starts: int64 [C], the byte at which each begins.

        Returns:
            int64 [C], the byte after each code point and after the last mark that is
            stripped between it and the next one that is not.
        """
        codes = decoded.flat_values
        kinds = tf.gather(self._kinds, self._entries(codes))
        ends = tf.where(
            kinds == DROPPED, tf.zeros([], tf.int64), starts + utf8_sizes(codes)
        )
        stays = tf.cumsum(tf.cast(kinds >= SPACE, tf.int32)) - 1
        # Marks before the first character have segment -1, which is ignored.
        ends = tf.math.unsorted_segment_max(ends, stays, tf.size(codes))
        return tf.gather(ends, tf.maximum(stays, 0))

    def _entries(self, codes: tf.Tensor) -> tf.Tensor:
        page_starts = tf.gather(self._page_starts, tf.bitwise.right_shift(codes, 8))
        slots = page_starts + tf.bitwise.bitwise_and(codes, PAGE_SIZE - 1)
        return tf.cast(tf.gather(self._pages, slots), tf.int32)

    def _with_final_sigmas(self, codes: tf.Tensor) -> tf.Tensor:
        """Replaces capital sigmas that end a word (Unicode 14.0, 3.13, table 3-17)."""
        contexts = tf.gather(self._sigma_context, self._entries(codes))
        positions = tf.where(contexts != CASE_IGNORABLE)
        cased = tf.gather(contexts, positions[:, 0]) == CASED
        # Each string ends in a space, so that neighbours of other strings are uncased.
        is_final = (
            (tf.gather(codes, positions[:, 0]) == _CAPITAL_SIGMA)
            & tf.concat([[False], cased[:-1]], axis=0)
            & ~tf.concat([cased[1:], [False]], axis=0)
        )
        finals = tf.boolean_mask(positions, is_final)
        sigmas = tf.fill(tf.shape(finals)[:1], _FINAL_SIGMA)
        return tf.tensor_scatter_nd_update(codes, finals, sigmas)

    def _normalize(
        self, codes: tf.Tensor, entries: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Lower-cased, decomposed characters without accents, and their sources."""
        counts = tf.gather(self._num_outputs, entries)
        sources, ranks = tf.cond(
            tf.reduce_any(counts > 1),
            lambda: _repeat_with_ranks(counts),
            lambda: _kept(counts),
        )
        kept_entries = tf.gather(entries, sources)
        outputs = tf.gather(self._outputs, kept_entries * 3 + ranks)
        characters = outputs + tf.where(ranks == 0, tf.gather(codes, sources), 0)
        combining = tf.gather(self._combining, kept_entries)
        characters = tf.cond(
            tf.reduce_any(combining > 0),
            lambda: self._reorder(characters, entries, sources),
            lambda: characters,
        )
        return sources, characters

    def _reorder(
        self, characters: tf.Tensor, entries: tf.Tensor, sources: tf.Tensor
    ) -> tf.Tensor:
        """Sorts combining characters within their runs (Unicode 14.0, 3.11, D109)."""
        runs = tf.cumsum(tf.gather(self._starts_run, entries))
        classes = tf.gather(self._combining, self._entries(characters))
        keys = tf.cast(tf.gather(runs, sources), tf.int64) * 256
        order = tf.argsort(keys + tf.cast(classes, tf.int64), stable=True)
        return tf.gather(characters, order)


def with_final_space(text: tf.Tensor) -> tf.Tensor:
    """Adds the space that `WordSplitter.words` wants at the end of each string.

    Args:
        text: string [N].

    Returns:
        string [N].
    """
    return tf.strings.join([text, " "])


def utf8_sizes(codes: tf.Tensor) -> tf.Tensor:
    """How many bytes each code point takes in UTF-8.

    Args:
        codes: int32 [C].

    Returns:
        int64 [C], 1 to 4.
    """
    bounds = tf.constant([0x80, 0x800, 0x10000])
    return tf.searchsorted(bounds, codes, side="right", out_type=tf.int64) + 1


def _kept(counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What `_repeat_with_ranks` gives if no count is above 1, but faster."""
    sources = tf.where(counts > 0)[:, 0]
    return sources, tf.zeros_like(sources, tf.int32)


def _repeat_with_ranks(counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Indices, each as often as its count, and 0, 1, ... among the equal ones."""
    sources = tf.repeat(tf.range(tf.size(counts, tf.int64)), counts)
    firsts = tf.gather(tf.cumsum(counts, exclusive=True), sources)
    return sources, tf.range(tf.size(sources)) - firsts
