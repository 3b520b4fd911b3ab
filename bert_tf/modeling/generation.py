"""Writing texts a token at a time: greedily, by beam search or by drawing.

KerasHub's samplers do the same, and the tests compare them. They are not used for what
is served, since they write tokens with XlaDynamicUpdateSlice, which TensorFlow compiles
for each shape and which not every server can (tensorflow/serving#2217); and their beams
go on after [SEP] and lose what their text has scored.

Shapes: B batch, K beams, M = B * K, T tokens of the longest text, V vocabulary.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from bert_tf.config import Sampling

# From the last tokens, int32 [M], a memory and the tokens' position to the logits of the
# next ones, float32 [M, V], and the memory with these tokens. A memory is a structure of
# tensors whose first axis is M.
Step = Callable[[tf.Tensor, Any, tf.Tensor], tuple[tf.Tensor, Any]]

_IMPOSSIBLE = -1e9


def search(
    step: Step,
    memory: Any,
    first_ids: tf.Tensor,
    *,
    length: int,
    end_id: int,
    sampling: Sampling,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Writes texts until each has its end or so many tokens.

    Args:
        step: the model.
        memory: of M texts with nothing written.
        first_ids: int32 [B], the token that each text begins with and that is not part
            of what is returned.
        length: tokens of the longest text, T.
        end_id: of the token that ends a text.
        sampling: how tokens are chosen.

    Returns:
        The best text in hand, int32 [B, T], filled up with `end_id`; and the logarithm
        of its probability, end included, float32 [B].
    """
    width = sampling.width
    batch_size = tf.shape(first_ids)[0]
    # At first all beams are the same: one of them counts.
    scores_BK = tf.repeat(
        tf.constant([[0.0] + [_IMPOSSIBLE] * (width - 1)]), batch_size, axis=0
    )
    last_BK = tf.repeat(first_ids[:, None], width, axis=1)
    ids_BKT = tf.fill([batch_size, width, length], end_id)
    is_done_BK = tf.zeros_like(last_BK, tf.bool)

    def go_on(index, memory, ids_BKT, last_BK, is_done_BK, scores_BK):
        # The most that a text can be worth: its score does not rise, its length may.
        lengths_BK = tf.where(is_done_BK, _num_tokens(ids_BKT, end_id), length)
        worth_BK = scores_BK / _length_penalty(lengths_BK, sampling)
        best_B1 = tf.argmax(worth_BK, axis=1)[:, None]
        return ~tf.reduce_all(tf.gather(is_done_BK, best_B1, batch_dims=1))

    def write(index, memory, ids_BKT, last_BK, is_done_BK, scores_BK):
        logits_MV, memory = step(tf.reshape(last_BK, [-1]), memory, index)
        logits_BKV = tf.reshape(logits_MV, [-1, width, logits_MV.shape[-1]])
        log_probabilities_BKV = tf.where(
            is_done_BK[:, :, None],
            _only(end_id, logits_MV.shape[-1]),
            tf.nn.log_softmax(logits_BKV),
        )
        # With the next token, where a text is not done.
        lengths_BK = _num_tokens(ids_BKT, end_id)
        beams_BK, last_BK, scores_BK = _choose(
            log_probabilities_BKV, scores_BK, lengths_BK, sampling, index
        )
        if width > 1:
            memory = tf.nest.map_structure(
                lambda values: _take_beams(values, beams_BK), memory
            )
            ids_BKT = tf.gather(ids_BKT, beams_BK, batch_dims=1)
            is_done_BK = tf.gather(is_done_BK, beams_BK, batch_dims=1)
        is_here_T = tf.equal(tf.range(length), index)
        ids_BKT = tf.where(is_here_T, last_BK[:, :, None], ids_BKT)
        is_done_BK |= tf.equal(last_BK, end_id)
        return index + 1, memory, ids_BKT, last_BK, is_done_BK, scores_BK

    _, _, ids_BKT, _, _, scores_BK = tf.while_loop(
        go_on,
        write,
        (tf.constant(0), memory, ids_BKT, last_BK, is_done_BK, scores_BK),
        maximum_iterations=length,
    )
    return ids_BKT[:, 0], scores_BK[:, 0]


def _choose(
    log_probabilities_BKV: tf.Tensor,
    scores_BK: tf.Tensor,
    lengths_BK: tf.Tensor,
    sampling: Sampling,
    index: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The beams that go on, best first, each with its next token and new score."""
    width, vocab_size = log_probabilities_BKV.shape[1:]
    scores_BKV = scores_BK[:, :, None] + log_probabilities_BKV
    ranks_BKV = scores_BKV / _length_penalty(lengths_BK, sampling)[:, :, None]
    if sampling.sampler == "top_p":
        ranks_BKV = _draw(log_probabilities_BKV, sampling, index)
    choices_BN = tf.reshape(ranks_BKV, [-1, width * vocab_size])
    _, chosen_BK = tf.math.top_k(choices_BN, width)
    scores_BN = tf.reshape(scores_BKV, [-1, width * vocab_size])
    return (
        chosen_BK // vocab_size,
        chosen_BK % vocab_size,
        tf.gather(scores_BN, chosen_BK, batch_dims=1),
    )


def _draw(
    log_probabilities: tf.Tensor, sampling: Sampling, index: tf.Tensor
) -> tf.Tensor:
    """Numbers of which the highest is that of a token drawn from the likeliest.

    The Gumbel-max trick: a draw without a state that a SavedModel would have to keep.
    All texts of a batch get the same noise, so that an answer depends on its source and
    the seed alone.
    """
    vocab_size = log_probabilities.shape[-1]
    ordered = tf.sort(log_probabilities, direction="DESCENDING")
    before = tf.cumsum(tf.exp(ordered), axis=-1, exclusive=True)
    lowest = tf.reduce_min(
        tf.where(before < sampling.top_p, ordered, 0.0), axis=-1, keepdims=True
    )
    seed = tf.random.experimental.stateless_fold_in([sampling.seed, 0], index)
    tiny = 1e-20  # its logarithm is a number
    uniform_V = tf.random.stateless_uniform([vocab_size], seed, minval=tiny)
    noise_V = -tf.math.log(-tf.math.log(uniform_V))
    return tf.where(log_probabilities >= lowest, log_probabilities + noise_V, _IMPOSSIBLE)


def _num_tokens(ids_BKT: tf.Tensor, end_id: int) -> tf.Tensor:
    """Tokens of each text, its end included: int32 [B, K]."""
    return 1 + tf.reduce_sum(tf.cast(tf.not_equal(ids_BKT, end_id), tf.int32), axis=2)


def _length_penalty(lengths: tf.Tensor, sampling: Sampling) -> tf.Tensor:
    """What scores are divided by so that long texts have a chance, float32.

    Wu et al. 2016, "Google's Neural Machine Translation System", equation 14, without
    its penalty of what is not covered.
    """
    return ((5.0 + tf.cast(lengths, tf.float32)) / 6.0) ** sampling.length_penalty


def _only(token_id: int, vocab_size: int) -> tf.Tensor:
    """The logarithms of probabilities that are all a token's: [V]."""
    return tf.one_hot(token_id, vocab_size, on_value=0.0, off_value=_IMPOSSIBLE)


def _take_beams(values_M: tf.Tensor, beams_BK: tf.Tensor) -> tf.Tensor:
    width = beams_BK.shape[1]
    first_B1 = tf.range(tf.shape(beams_BK)[0])[:, None] * width
    taken_M = tf.gather(values_M, tf.reshape(first_B1 + beams_BK, [-1]))
    return tf.ensure_shape(taken_M, values_M.shape)
