"""What a BERT of another library computed, and whether ours computes the same."""

import numpy as np
import tensorflow as tf

from bert_tf.modeling.checkpoints.pretrained import assign
from bert_tf.modeling.models import BertPretrainer

TOLERANCE = 1e-4


def assert_outputs_equal(pretrained, path):
    """Hidden states, pooled output and both heads' logits, in `path`/expected.npz."""
    expected = np.load(path / "expected.npz")
    model = BertPretrainer(pretrained.config)
    assert not assign(model, pretrained)
    batch_size, length = expected["input_ids"].shape
    inputs = {
        "input_word_ids": expected["input_ids"],
        "input_mask": expected["input_mask"],
        "input_type_ids": expected["segment_ids"],
        "masked_lm_positions": np.tile(np.arange(length), (batch_size, 1)),
    }
    outputs = model.bert(inputs) | model(inputs)
    for ours, theirs in (
        (outputs["sequence_output"], "sequence_output"),
        (outputs["pooled_output"], "pooled_output"),
        (outputs["masked_lm_logits"], "mlm_logits"),
        (outputs["next_sentence_logits"], "nsp_logits"),
        (tf.stack(outputs["encoder_outputs"]), "hidden_states"),
    ):
        np.testing.assert_allclose(ours, expected[theirs], atol=TOLERANCE, rtol=0)
