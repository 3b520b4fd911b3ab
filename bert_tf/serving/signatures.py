"""What an exported model answers, computed in its graph from raw text.

Shapes: B texts, S tokens of the longest, H hidden units, M masks of the text with the
most, K answers for a mask.
"""

from collections.abc import Callable

import tensorflow as tf

from bert_tf.data.packing import ENCODER_INPUTS, pack_single
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.modeling.models import BertPretrainer
from bert_tf.tasks.fill_mask import fill


def pretrained_signatures(
    model: BertPretrainer, tokenizer: BertTokenizer, *, max_seq_length: int, top_k: int
) -> dict[str, Callable]:
    """The functions of a pretrained model that a server offers by name.

    `fill_mask`: text, string [B] -> `tokens`, string [B, M, K], and `probabilities`,
        float32 [B, M, K], the likeliest first, for each "[MASK]" in the text; rows
        with fewer masks than M are filled up with "" and 0; and `num_masks`, int32 [B].
    `embed`: text, string [B] -> `pooled_output`, float32 [B, H], and
        `mean_pooled_output`, float32 [B, H], the mean of the tokens' vectors, [CLS] and
        [SEP] included.
    `encode`: `input_word_ids`, `input_mask`, `input_type_ids`, int32 [B, S] ->
        `sequence_output`, float32 [B, S, H], and `pooled_output`, float32 [B, H].

    Args:
        model: holds the weights.
        tokenizer: of the model's vocabulary.
        max_seq_length: tokens after which a text is cut off.
        top_k: answers for a mask, K.

    Returns:
        tf.functions with input signatures.
    """
    vocabulary = tokenizer.vocabulary
    longest = model.config.max_position_embeddings

    text_spec = tf.TensorSpec([None], tf.string, name="text")
    ids_specs = [
        tf.TensorSpec([None, None], tf.int32, name=name) for name in ENCODER_INPUTS
    ]

    @tf.function(input_signature=[text_spec], autograph=False)
    def fill_mask(text):
        return fill(model, tokenizer, text, max_seq_length=max_seq_length, top_k=top_k)

    @tf.function(input_signature=[text_spec], autograph=False)
    def embed(text):
        inputs = pack_single(
            tokenizer.tokenize(text), vocabulary, max_seq_length=max_seq_length
        )
        outputs = _float32(model.bert(inputs))
        weights = tf.cast(inputs["input_mask"], tf.float32)[:, :, tf.newaxis]
        total = tf.reduce_sum(outputs["sequence_output"] * weights, axis=1)
        return {
            "pooled_output": outputs["pooled_output"],
            "mean_pooled_output": total / tf.reduce_sum(weights, axis=1),
        }

    @tf.function(input_signature=ids_specs, autograph=False)
    def encode(input_word_ids, input_mask, input_type_ids):
        within_limit = tf.debugging.assert_less_equal(
            tf.shape(input_word_ids)[1],
            longest,
            message=f"Expected at most {longest} ids a sequence; shorten them.",
        )
        with tf.control_dependencies([within_limit]):
            input_word_ids = tf.identity(input_word_ids)
        return _float32(
            model.bert(
                {
                    "input_word_ids": input_word_ids,
                    "input_mask": input_mask,
                    "input_type_ids": input_type_ids,
                }
            )
        )

    return {"fill_mask": fill_mask, "embed": embed, "encode": encode}


def _float32(outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    # bfloat16 has no JSON form.
    return {
        name: tf.cast(outputs[name], tf.float32)
        for name in ("sequence_output", "pooled_output")
    }
