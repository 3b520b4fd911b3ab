"""BERT's tokenizer: from raw text to WordPiece ids, in TensorFlow's graph."""

from typing import Any

import tensorflow as tf
import tensorflow_text as tf_text

from bert_tf.data.vocab import Vocabulary
from bert_tf.data.word_splitting import (
    MAX_WORD_LENGTH,
    Words,
    WordSplitter,
    source_ends,
    utf8_sizes,
    with_final_space,
)
from bert_tf.errors import UserError

_MAX_BYTES_PER_CHARACTER = 4
# Strings of these alone go through TF Text's own splitting, which agrees with the
# original's for them and is several times faster than ours for all of Unicode.
_PLAIN_TEXT = r"[\t\n\r -~]*"
# It goes wrong beside tokens that hold a space: with "a b" among them, "a " becomes
# [UNK]. No word matches them anyway, nor what noncharacters make of them.
_STAND_INS = {
    ord(space): 0xFDD0 + i for i, space in enumerate(" \t\v\f\r\x1c\x1d\x1e\x1f")
}


class BertTokenizer(tf.Module):
    """Turns text into the ids that the original's FullTokenizer gives.

    Special tokens in the text are not protected: "[SEP]" is three signs of
    punctuation and letters, like anything else. A word that no WordPieces make up, or
    that is longer than 200 characters, is one [UNK].

    It works eagerly, in tf.data and in a SavedModel, without XLA. Build it outside of
    any graph. Raises UserError if no word could be made of the vocabulary.

    Source: FullTokenizer of the original tokenization.py; Song et al. 2021, "Fast
    WordPiece Tokenization".

    Example:
        tokenizer = BertTokenizer(load_vocabulary("vocab.txt"), lower_case=True)
        ids = tokenizer.tokenize(["Hello, world!", ""])  # [[7592, 1010, 2088, 999], []]
    """

    def __init__(self, vocabulary: Vocabulary, *, lower_case: bool):
        super().__init__()
        self.vocabulary = vocabulary
        self.lower_case = lower_case
        self._splitter = WordSplitter(lower_case=lower_case)
        self._plain_wordpiece = _wordpiece(
            [token.translate(_STAND_INS) for token in vocabulary.tokens],
            max_bytes_per_word=MAX_WORD_LENGTH,
        )
        max_bytes = MAX_WORD_LENGTH * _MAX_BYTES_PER_CHARACTER
        self._wordpiece = _wordpiece(
            list(vocabulary.tokens), max_bytes_per_word=max_bytes, no_pretokenization=True
        )
        self._over_long_word = "x" * (max_bytes + 1)

    def tokenize(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Turns strings into WordPiece ids.

        Args:
            text: string [N], UTF-8; bytes that are none are skipped.

        Returns:
            RaggedTensor, int32 [N, (tokens)]. Nothing is added to the text's tokens.

        Raises:
            ValueError: `text` is no vector.
        """
        (ids,) = self._tokenize(text, with_offsets=False)
        return ids

    def tokenize_with_offsets(
        self, text: tf.Tensor
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor, tf.RaggedTensor]:
        """Turns strings into ids and says which bytes each came from.

        `text[start:end]` is the source of a piece, as the user wrote it: with its
        capitals, accents and the control characters inside. An accent that was
        stripped belongs to the character before it; control characters at a piece's
        end do not. Where one character became several, as a Korean syllable does, its
        pieces share its bytes. A word that became [UNK] is given as a whole.

        Args:
            text: string [N], UTF-8; bytes that are none are skipped.

        Returns:
            Three RaggedTensors, int32 [N, (tokens)]: ids as from `tokenize`, and the
            first byte and the byte after the last, counted in each string of `text`.

        Raises:
            ValueError: `text` is no vector.
        """
        return self._tokenize(text, with_offsets=True)

    def split_words(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Splits strings into the normalised words that WordPiece is given.

        Args:
            text: string [N], UTF-8.

        Returns:
            RaggedTensor, string [N, (words)].
        """
        return self._splitter.split(tf.convert_to_tensor(text, tf.string))

    def _tokenize(
        self, text: tf.Tensor, *, with_offsets: bool
    ) -> tuple[tf.RaggedTensor, ...]:
        text = tf.convert_to_tensor(text, tf.string)
        if text.shape.rank not in (1, None):
            raise ValueError(
                f"Expected a vector of strings, received the shape {text.shape}; "
                "flatten it first."
            )
        is_plain = tf.strings.regex_full_match(text, _PLAIN_TEXT)
        parts = tf.cond(
            tf.reduce_all(is_plain),
            lambda: self._tokenize_plain(text, with_offsets=with_offsets),
            lambda: self._tokenize_mixed(text, is_plain, with_offsets=with_offsets),
        )
        return parts

    def _tokenize_mixed(
        self, text: tf.Tensor, is_plain: tf.Tensor, *, with_offsets: bool
    ) -> tuple[tf.RaggedTensor, ...]:
        """Sends each string the way it can go, and brings them back in order."""
        plain = tf.where(is_plain)[:, 0]
        other = tf.where(~is_plain)[:, 0]
        plain_parts = self._tokenize_plain(
            tf.gather(text, plain), with_offsets=with_offsets
        )
        other_parts = self._tokenize_any(
            tf.gather(text, other), with_offsets=with_offsets
        )
        order = tf.math.invert_permutation(tf.concat([plain, other], axis=0))
        return tuple(
            tf.gather(tf.concat(pair, axis=0), order)
            for pair in zip(plain_parts, other_parts, strict=True)
        )

    def _tokenize_plain(
        self, text: tf.Tensor, *, with_offsets: bool
    ) -> tuple[tf.RaggedTensor, ...]:
        if self.lower_case:
            text = tf.strings.lower(text)
        if not with_offsets:
            return (self._plain_wordpiece.tokenize(text),)
        ids, starts, ends = self._plain_wordpiece.tokenize_with_offsets(text)
        return ids, tf.cast(starts, tf.int32), tf.cast(ends, tf.int32)

    def _tokenize_any(
        self, text: tf.Tensor, *, with_offsets: bool
    ) -> tuple[tf.RaggedTensor, ...]:
        text = with_final_space(text)
        if not with_offsets:
            words = self._splitter.words(
                tf.strings.unicode_decode(text, "UTF-8", "ignore")
            )
            pieces = self._wordpiece.tokenize(self._words_within_limit(words))
            return (_by_string(pieces, words),)
        decoded, code_starts = tf.strings.unicode_decode_with_offsets(
            text, "UTF-8", "ignore"
        )
        words = self._splitter.words(decoded)
        pieces, starts, ends = self._wordpiece.tokenize_with_offsets(
            self._words_within_limit(words)
        )
        first, last = self._source_span(words, pieces, starts, ends)
        code_starts = code_starts.flat_values
        code_ends = source_ends(words.kinds, decoded.flat_values, code_starts)
        starts = tf.cast(tf.gather(code_starts, first), tf.int32)
        ends = tf.cast(tf.gather(code_ends, last), tf.int32)
        return (
            _by_string(pieces, words),
            _by_string(pieces.with_values(starts), words),
            _by_string(pieces.with_values(ends), words),
        )

    def _words_within_limit(self, words: Words) -> tf.Tensor:
        """The words, those with too many characters replaced by one that is [UNK]."""
        is_over_long = words.splits[1:] - words.splits[:-1] > MAX_WORD_LENGTH
        return tf.cond(
            tf.reduce_any(is_over_long),
            lambda: tf.where(is_over_long, self._over_long_word, words.text),
            lambda: words.text,
        )

    def _source_span(
        self,
        words: Words,
        pieces: tf.RaggedTensor,
        starts: tf.RaggedTensor,
        ends: tf.RaggedTensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The first and the last code point of each piece, from bytes in its word."""
        character_bytes = tf.concat(
            [[0], tf.cumsum(utf8_sizes(words.characters))], axis=0
        )
        # The same as pieces.value_rowids(), in a fraction of the time.
        piece_numbers = tf.range(tf.size(pieces.flat_values, tf.int64))
        word_of_piece = (
            tf.searchsorted(pieces.row_splits, piece_numbers, side="right") - 1
        )
        word_start = tf.gather(words.splits, word_of_piece)
        word_byte = tf.gather(character_bytes, word_start)
        first = tf.searchsorted(
            character_bytes, word_byte + starts.flat_values, out_type=tf.int64
        )
        end = tf.searchsorted(
            character_bytes, word_byte + ends.flat_values, out_type=tf.int64
        )
        # [UNK] may stand for a replacement whose bytes are not those of the word.
        is_unknown = pieces.flat_values == self.vocabulary.unk_id
        word_end = tf.gather(words.splits, word_of_piece + 1)
        first = tf.where(is_unknown, word_start, first)
        end = tf.where(is_unknown, word_end, end)
        return tf.gather(words.sources, first), tf.gather(words.sources, end - 1)


def _wordpiece(tokens: list[str], **options: Any) -> tf_text.FastWordpieceTokenizer:
    try:
        return tf_text.FastWordpieceTokenizer(tokens, token_out_type=tf.int32, **options)
    except RuntimeError as error:
        raise UserError(
            f"Expected a vocabulary that words can be made of, received {len(tokens)} "
            f"tokens that TF Text refuses ({error}); check the vocabulary file."
        ) from error


def _by_string(pieces: tf.RaggedTensor, words: Words) -> tf.RaggedTensor:
    """From pieces by word to pieces by string."""
    return tf.RaggedTensor.from_row_splits(
        pieces.flat_values,
        tf.gather(pieces.row_splits, words.row_splits),
        validate=False,
    )
