"""The arithmetic of a model, counted product by product."""

import pytest

from bert_tf.config import bert_size
from bert_tf.modeling.flops import training_flops


@pytest.mark.parametrize("size", ["mini", "base"])
def test_all_products_of_a_step_are_counted(size):
    config = bert_size(size, vocab_size=1000)
    num_rows, length, num_predictions = 3, 128, 60
    hidden, ffn = config.hidden_size, config.intermediate_size
    products = []  # (rows, inputs, columns) of each
    for layer in range(config.num_hidden_layers):
        is_last = layer == config.num_hidden_layers - 1
        num_tokens = num_rows * length
        num_outputs = num_predictions if is_last else num_tokens
        products += [
            (num_tokens, hidden, hidden),  # keys
            (num_tokens, hidden, hidden),  # values
            (num_outputs, hidden, hidden),  # queries
            (num_outputs, hidden, length),  # scores of all heads
            (num_outputs, length, hidden),  # their sums of values
            (num_outputs, hidden, hidden),  # output
            (num_outputs, hidden, ffn),
            (num_outputs, ffn, hidden),
        ]
    products += [(num_predictions, hidden, hidden), (num_predictions, hidden, 1000)]
    forward = sum(2 * rows * inputs * columns for rows, inputs, columns in products)

    found = training_flops(
        config,
        num_tokens=num_rows * length,
        num_rows=num_rows,
        num_predictions=num_predictions,
    )

    assert found == pytest.approx(3 * forward)
