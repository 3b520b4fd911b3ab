"""From token ids to the encoder's inputs."""

import tensorflow as tf

from bert_tf.data.vocab import Vocabulary

ENCODER_INPUTS = ("input_word_ids", "input_mask", "input_type_ids")


def pack_single(
    ids: tf.RaggedTensor, vocabulary: Vocabulary, *, max_seq_length: int
) -> dict[str, tf.Tensor]:
    """Frames each sequence with [CLS] and [SEP] and pads to the longest of the batch.

    With max_seq_length 5 and the ids [[7, 8], [7, 8, 9, 9]]:

        input_word_ids  [[CLS, 7, 8, SEP, PAD], [CLS, 7, 8, 9, SEP]]
        input_mask      [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]
        input_type_ids  zeros

    Args:
        ids: int32 [B, (tokens)]; what is beyond max_seq_length - 2 is cut off.
        vocabulary: of the ids.
        max_seq_length: tokens of the longest sequence the model is to see.

    Returns:
        Three int32 tensors [B, S], S the longest sequence of this batch.
    """
    ids = ids[:, : max_seq_length - 2]
    column = tf.ones([ids.nrows(), 1], tf.int32)
    framed = tf.concat([column * vocabulary.cls_id, ids, column * vocabulary.sep_id], 1)
    word_ids = framed.to_tensor(vocabulary.pad_id)
    mask = tf.sequence_mask(framed.row_lengths(), tf.shape(word_ids)[1], tf.int32)
    return {
        "input_word_ids": word_ids,
        "input_mask": mask,
        "input_type_ids": tf.zeros_like(word_ids),
    }


def pack_pair(
    first: tf.RaggedTensor,
    second: tf.RaggedTensor,
    vocabulary: Vocabulary,
    *,
    max_seq_length: int,
) -> dict[str, tf.Tensor]:
    """Frames two segments each with [CLS] and [SEP] and pads to the longest of the batch.

    With max_seq_length 7 and the ids [[7, 7, 7, 7]] and [[8, 8]]:

        input_word_ids  [[CLS, 7, 7, SEP, 8, 8, SEP]]
        input_mask      [[1, 1, 1, 1, 1, 1, 1]]
        input_type_ids  [[0, 0, 0, 0, 1, 1, 1]]

    Where both do not fit, tokens are cut off the end of the longer one, and of the second
    where they are as long (`_truncate_seq_pair` of the original run_classifier.py).

    Args:
        first: int32 [B, (tokens)].
        second: int32 [B, (tokens)].
        vocabulary: of the ids.
        max_seq_length: tokens of the longest pair the model is to see.

    Returns:
        Three int32 tensors [B, S], S the longest pair of this batch.
    """
    first, second = _truncate_longer(first, second, max_tokens=max_seq_length - 3)
    column = tf.ones([first.nrows(), 1], tf.int32)
    first = tf.concat([column * vocabulary.cls_id, first, column * vocabulary.sep_id], 1)
    second = tf.concat([second, column * vocabulary.sep_id], 1)
    word_ids = tf.concat([first, second], 1)
    length = word_ids.bounding_shape(axis=1, out_type=tf.int32)
    mask = tf.sequence_mask(word_ids.row_lengths(), length, tf.int32)
    return {
        "input_word_ids": word_ids.to_tensor(vocabulary.pad_id),
        "input_mask": mask,
        "input_type_ids": mask - tf.sequence_mask(first.row_lengths(), length, tf.int32),
    }


def _truncate_longer(
    first: tf.RaggedTensor, second: tf.RaggedTensor, *, max_tokens: int
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    num_first, num_second = first.row_lengths(), second.row_lengths()
    half = (max_tokens + 1) // 2
    num_first = tf.minimum(num_first, tf.maximum(max_tokens - num_second, half))
    num_second = tf.minimum(num_second, max_tokens - num_first)
    return _take(first, num_first), _take(second, num_second)


def _take(ids: tf.RaggedTensor, lengths: tf.Tensor) -> tf.RaggedTensor:
    """The first `lengths` [B] of each row."""
    starts = ids.row_starts()
    indices = tf.ragged.range(starts, starts + lengths)
    return indices.with_flat_values(tf.gather(ids.flat_values, indices.flat_values))
