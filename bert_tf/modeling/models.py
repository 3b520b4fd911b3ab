"""Whole models: an encoder with its heads."""

import keras
import tensorflow as tf

from bert_tf.config import BertConfig
from bert_tf.modeling.encoder import BertEncoder, Configured
from bert_tf.modeling.heads import MaskedLMHead, NextSentenceHead


@keras.saving.register_keras_serializable(package="bert_tf")
class BertPretrainer(Configured, keras.Model):
    """The encoder with the masked-LM and next-sentence heads.

    Args:
        config: a BertConfig, or its fields as a dict.
    """

    def __init__(self, config: BertConfig | dict, name: str = "pretrainer", **kwargs):
        super().__init__(config, name=name, **kwargs)
        self.build()

    def build(self, input_shape=None):
        """Creates all variables."""
        self.bert = BertEncoder(self.config, dtype=self.dtype_policy)
        self.masked_lm = MaskedLMHead(
            self.config, dtype=self.dtype_policy, name="masked_lm"
        )
        self.next_sentence = NextSentenceHead(
            self.config, dtype=self.dtype_policy, name="next_sentence"
        )
        self.masked_lm.build()
        self.next_sentence.build()
        self.built = True

    def call(
        self,
        inputs: dict[str, tf.Tensor],
        training: bool = False,
        dropout_seed: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Predicts masked words and whether the segments follow each other.

        Args:
            inputs: what BertEncoder takes, and `masked_lm_positions`, int [B, P].
            training: see BertEncoder.
            dropout_seed: see BertEncoder.

        Returns:
            `masked_lm_logits`, float32 [B, P, V], and `next_sentence_logits`, float32
            [B, 2], or [B, K, 2] for rows of several examples.
        """
        # What the last layer would make of other positions is not looked at.
        outputs = self.bert(
            inputs,
            training=training,
            dropout_seed=dropout_seed,
            output_positions=inputs["masked_lm_positions"],
        )
        return {
            "masked_lm_logits": self.masked_lm(
                outputs["sequence_output"], self.bert.embeddings.word_embeddings
            ),
            "next_sentence_logits": self.next_sentence(outputs["pooled_output"]),
        }
