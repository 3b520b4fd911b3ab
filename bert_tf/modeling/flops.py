"""How much arithmetic a model needs: its matrix products, and nothing beside them."""

from bert_tf.config import BertConfig


def training_flops(
    config: BertConfig, *, num_tokens: float, num_rows: float, num_predictions: float
) -> float:
    """Floating-point operations of forward and backward passes with the masked-LM head.

    A multiplication and an addition count as two; the backward pass as twice the
    forward. Attention is counted for rows of average length. Of the last layer, what is
    needed is keys and values of all tokens, and the rest of the predictions alone.

    Args:
        config: of the model.
        num_tokens: without padding.
        num_rows: the sequences they are in.
        num_predictions: of masked words.
    """
    hidden, ffn = config.hidden_size, config.intermediate_size
    length = num_tokens / max(num_rows, 1)
    keys_and_values = 4 * hidden**2
    others = 4 * hidden**2 + 4 * hidden * ffn + 4 * hidden * length
    head = 2 * (hidden**2 + hidden * config.vocab_size)
    num_whole_layers = config.num_hidden_layers - 1
    return 3 * (
        (config.num_hidden_layers * keys_and_values + num_whole_layers * others)
        * num_tokens
        + (others + head) * num_predictions
    )
