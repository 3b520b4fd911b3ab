"""Splits text into normalised words: the step of BERT's tokenizer before WordPiece.

Letters in shapes: N strings, C code points of the input with one added space a
string, K characters that words are made of, W words.
"""

from typing import NamedTuple

import tensorflow as tf

from bert_tf.data import code_points
from bert_tf.data.code_points import ALONE, DROPPED, LETTER, SPACE

MAX_WORD_LENGTH = 200  # characters; a longer word is [UNK], as in the original

_CAPITAL_SIGMA = 0x3A3
_FINAL_SIGMA = 0x3C2


class Words(NamedTuple):
    """The words of N strings, flat, and where their characters came from.

    Attributes:
        text: string [W], the normalised words in UTF-8.
        row_splits: int64 [N + 1], which words belong to which string.
        characters: int32 [K], the characters of all words.
        splits: int64 [W + 1], which characters belong to which word.
        sources: int64 [K], from each character to the index of its code point among
            the C of the input.
        kinds: int32 [C], what became of each code point, DROPPED to LETTER.
    """

    text: tf.Tensor
    row_splits: tf.Tensor
    characters: tf.Tensor
    splits: tf.Tensor
    sources: tf.Tensor
    kinds: tf.Tensor


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
        tables = code_points.load_tables(lower_case=lower_case)
        self._page_starts = tf.constant(tables.page_starts)
        self._actions = tf.constant(tables.actions)
        self._seconds = tf.constant(tables.seconds)
        self._thirds = tf.constant(tables.thirds)
        self._contexts = tf.constant(tables.contexts)

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
        codes = tf.cond(
            tf.reduce_any(codes == _CAPITAL_SIGMA),
            lambda: self._with_final_sigmas(codes),
            lambda: codes,
        )
        slots = self._slots(codes)
        actions = _take(self._actions, slots)
        code_kinds = tf.bitwise.bitwise_and(actions, code_points.KIND_MASK)

        # Spaces are kept until they have ended the words before them.
        sources, characters = self._normalize(codes, slots, actions)
        kinds = _take(code_kinds, sources)
        previous_kinds = tf.concat([[SPACE], kinds[:-1]], axis=0)
        starts_word = (kinds == ALONE) | ((kinds == LETTER) & (previous_kinds != LETTER))

        in_words = tf.where(kinds >= ALONE)[:, 0]
        word_starts = tf.where(_take(starts_word, in_words))[:, 0]
        num_characters = tf.size(in_words, tf.int64)
        splits = tf.concat([word_starts, num_characters[tf.newaxis]], axis=0)
        sources = _take(sources, in_words)
        characters = _take(characters, in_words)
        text = tf.strings.unicode_encode(
            tf.RaggedTensor.from_row_splits(characters, splits, validate=False), "UTF-8"
        )
        row_splits = tf.searchsorted(
            _take(sources, word_starts), decoded.row_splits, out_type=tf.int64
        )
        return Words(text, row_splits, characters, splits, sources, code_kinds)

    def _slots(self, codes: tf.Tensor) -> tf.Tensor:
        page_starts = _take(self._page_starts, tf.bitwise.right_shift(codes, 8))
        return page_starts + tf.bitwise.bitwise_and(codes, code_points.PAGE_SIZE - 1)

    def _with_final_sigmas(self, codes: tf.Tensor) -> tf.Tensor:
        """Replaces capital sigmas that end a word (Unicode 14.0, 3.13, table 3-17)."""
        contexts = _take(self._contexts, self._slots(codes))
        contexts = tf.bitwise.right_shift(contexts, code_points.SIGMA_SHIFT)
        positions = tf.where(contexts != code_points.CASE_IGNORABLE)
        cased = tf.gather_nd(contexts, positions) == code_points.CASED
        # Each string ends in a space, so that neighbours of other strings are uncased.
        is_final = (
            (tf.gather_nd(codes, positions) == _CAPITAL_SIGMA)
            & tf.concat([[False], cased[:-1]], axis=0)
            & ~tf.concat([cased[1:], [False]], axis=0)
        )
        finals = tf.boolean_mask(positions, is_final)
        sigmas = tf.fill(tf.shape(finals)[:1], _FINAL_SIGMA)
        return tf.tensor_scatter_nd_update(codes, finals, sigmas)

    def _normalize(
        self, codes: tf.Tensor, slots: tf.Tensor, actions: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What each code point becomes, spaces included, and the sources thereof."""
        counts = tf.bitwise.right_shift(actions, code_points.NUM_OUTPUTS_SHIFT)
        counts = tf.bitwise.bitwise_and(counts, code_points.NUM_OUTPUTS_MASK)
        firsts = codes + tf.bitwise.right_shift(actions, code_points.DIFFERENCE_SHIFT)
        sources, characters = tf.cond(
            tf.reduce_any(counts > 1),
            lambda: self._expand(firsts, slots, counts),
            lambda: _keep(firsts, counts),
        )
        reordered = tf.bitwise.bitwise_and(actions, code_points.REORDERED_BIT)
        characters = tf.cond(
            tf.reduce_any(reordered > 0),
            lambda: self._reorder(characters, slots, sources),
            lambda: characters,
        )
        return sources, characters

    def _expand(
        self, firsts: tf.Tensor, slots: tf.Tensor, counts: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        seconds = _take(self._seconds, slots)
        thirds = _take(self._thirds, slots)
        positions = tf.where(tf.sequence_mask(counts, 3))
        outputs = tf.stack([firsts, seconds, thirds], axis=1)
        return positions[:, 0], tf.gather_nd(outputs, positions)

    def _reorder(
        self, characters: tf.Tensor, slots: tf.Tensor, sources: tf.Tensor
    ) -> tf.Tensor:
        """Sorts combining characters within their runs (Unicode 14.0, 3.11, D109)."""
        contexts = _take(self._contexts, slots)
        starts_run = tf.bitwise.right_shift(contexts, code_points.STARTS_RUN_SHIFT)
        runs = tf.cumsum(tf.bitwise.bitwise_and(starts_run, 1))
        classes = tf.bitwise.bitwise_and(
            _take(self._contexts, self._slots(characters)), code_points.COMBINING_MASK
        )
        keys = tf.cast(_take(runs, sources), tf.int64) * (code_points.COMBINING_MASK + 1)
        order = tf.argsort(keys + tf.cast(classes, tf.int64), stable=True)
        return _take(characters, order)


def with_final_space(text: tf.Tensor) -> tf.Tensor:
    """Adds the space that `WordSplitter.words` wants at the end of each string.

    Args:
        text: string [N].

    Returns:
        string [N].
    """
    return tf.strings.join([text, " "])


def source_ends(kinds: tf.Tensor, codes: tf.Tensor, starts: tf.Tensor) -> tf.Tensor:
    """Where each code point ends, with the marks stripped from it.

    Args:
        kinds: int32 [C], as in `Words`.
        codes: int32 [C], the code points.
        starts: int64 [C], the byte at which each begins.

    Returns:
        int64 [C], the byte after each code point and after the last mark that is
        stripped between it and the next one that is not.
    """
    ends = starts + utf8_sizes(codes)
    ends = tf.where(kinds == DROPPED, tf.zeros([], tf.int64), ends)
    segments = tf.cumsum(tf.cast(kinds >= SPACE, tf.int32)) - 1
    # Marks before the first character have segment -1, which is ignored.
    ends = tf.math.unsorted_segment_max(ends, segments, tf.size(codes))
    return _take(ends, tf.maximum(segments, 0))


def utf8_sizes(codes: tf.Tensor) -> tf.Tensor:
    """How many bytes each code point takes in UTF-8.

    Args:
        codes: int32 [C].

    Returns:
        int64 [C], 1 to 4.
    """
    bounds = tf.constant([0x80, 0x800, 0x10000])
    return tf.searchsorted(bounds, codes, side="right", out_type=tf.int64) + 1


def _keep(firsts: tf.Tensor, counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    positions = tf.where(counts > 0)
    return positions[:, 0], tf.gather_nd(firsts, positions)


def _take(values: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
    # tf.gather of single numbers takes nearly twice as long on CPUs.
    return tf.gather_nd(values, indices[:, tf.newaxis])
