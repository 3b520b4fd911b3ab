"""Vectors of texts whose cosine tells how alike the texts are (Reimers 2019)."""

import dataclasses

import keras
import tensorflow as tf

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.modeling.encoder import BertEncoder, Configured
from bert_tf.modeling.task_model import (
    checked_features,
    mean_of_tokens,
    num_features,
    token_features,
)


@keras.saving.register_keras_serializable(package="bert_tf")
class SentenceModel(Configured, keras.Model):
    """An encoder and the mean of its last layer or of chosen ones, of length 1.

    Args:
        config: of the encoder, or its fields as a dict.
        features: what of the encoder the mean is of; or its fields as a dict.
    """

    def __init__(
        self,
        config: BertConfig | dict,
        features: FeatureConfig | dict,
        name: str = "sentences",
        **kwargs,
    ):
        super().__init__(config, name=name, **kwargs)
        self.features = checked_features(features, self.config)
        self.build()

    def build(self, input_shape=None):
        """Creates all variables."""
        self.bert = BertEncoder(self.config, dtype=self.dtype_policy)
        self.bert.trainable = not self.features.frozen
        self.built = True

    def call(
        self,
        inputs: dict[str, tf.Tensor],
        training: bool = False,
        dropout_seed: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Embeds.

        Args:
            inputs: what BertEncoder takes, [B, S], or [B, C, S] where an example has C
                texts. Other keys are ignored.
            training: see BertEncoder.
            dropout_seed: see BertEncoder.

        Returns:
            `embeddings`, float32 [B, F] or [B, C, F]; F is the hidden size, or as often
            that as layers are concatenated.
        """
        shape = tf.shape(inputs["input_mask"])
        rows = {
            name: tf.reshape(inputs[name], [-1, shape[-1]]) for name in ENCODER_INPUTS
        }
        outputs = self.bert(rows, training=training, dropout_seed=dropout_seed)
        x_BSF = tf.cast(token_features(outputs, self.features), tf.float32)
        means = mean_of_tokens(x_BSF, rows["input_mask"])
        normal = tf.math.l2_normalize(means, axis=-1)
        width = num_features(self.config, self.features)
        shape = tf.concat([shape[:-1], [width]], axis=0)
        return {"embeddings": tf.reshape(normal, shape)}

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {"features": dataclasses.asdict(self.features)}
