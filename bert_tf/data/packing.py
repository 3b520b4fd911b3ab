"""From token ids to the encoder's inputs."""

import tensorflow as tf

from bert_tf.data.vocab import Vocabulary


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
