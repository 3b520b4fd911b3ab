"""Texts longer than a model, seen through windows that overlap.

A token that several windows show is judged by the one in which it has most context
(`_check_is_max_context` of the original run_squad.py).

Shapes: N texts, W windows of all of them.
"""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Windows:
    """Where the windows of a batch of texts are, in the order of the texts."""

    lengths: tf.Tensor  # int64 [N], tokens of each text
    text: tf.Tensor  # int64 [W], the number of the text
    start: tf.Tensor  # int64 [W], the first of its tokens
    length: tf.Tensor  # int64 [W], tokens
    num_windows: tf.Tensor  # int64 [N], of each text

    def take(self, tokens: tf.RaggedTensor) -> tf.RaggedTensor:
        """What is seen of tokens [N, (tokens)]: [W, (tokens)]."""
        numbers = self.tokens()
        return numbers.with_flat_values(
            tf.gather(tokens.flat_values, numbers.flat_values)
        )

    def tokens(self) -> tf.RaggedTensor:
        """The numbers of the tokens seen, counted over all texts: int64 [W, (tokens)]."""
        first = tf.cumsum(self.lengths, exclusive=True)
        first = tf.gather(first, self.text) + self.start
        return tf.ragged.range(first, first + self.length)

    def has_most_context(self) -> tf.RaggedTensor:
        """Whether a window is the one to judge a token: bool [W, (tokens)].

        Of two as good the first is.
        """
        tokens = self.tokens()
        window = tf.cast(tokens.value_rowids(), tf.int64)
        left = tf.ragged.range(self.length).flat_values
        length = tf.gather(self.length, window)
        # The original's score, times 100.
        context = 100 * tf.minimum(left, length - 1 - left) + length
        num_tokens = tf.reduce_sum(self.lengths)
        most = tf.math.unsorted_segment_max(context, tokens.flat_values, num_tokens)
        is_most = tf.equal(context, tf.gather(most, tokens.flat_values))
        first = tf.math.unsorted_segment_min(
            tf.where(is_most, window, window.dtype.max), tokens.flat_values, num_tokens
        )
        is_first = tf.equal(window, tf.gather(first, tokens.flat_values))
        return tokens.with_flat_values(is_first)


def make_windows(lengths: tf.Tensor, capacity: tf.Tensor, *, stride: int) -> Windows:
    """Cuts texts into windows.

    Each but a text's last has `capacity` tokens, and begins `stride` after the one
    before. A text without tokens has one window, without tokens.

    Args:
        lengths: int64 [N], tokens of each text.
        capacity: int64 [N], tokens of a window of each text; at least 1.
        stride: tokens between the beginnings of two windows; less than the capacity, or
            some tokens are never seen: then it is the capacity.
    """
    stride = tf.minimum(tf.cast(stride, tf.int64), capacity)
    beyond = tf.maximum(lengths - capacity, 0)
    num_windows = 1 + (beyond + stride - 1) // stride
    number = tf.ragged.range(num_windows)
    text = tf.cast(number.value_rowids(), tf.int64)
    start = number.flat_values * tf.gather(stride, text)
    length = tf.minimum(tf.gather(lengths, text) - start, tf.gather(capacity, text))
    return Windows(lengths, text, start, length, num_windows)
