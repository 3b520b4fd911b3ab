"""The two heads of pretraining (Devlin et al. 2019, section 3.1).

Shapes: B batch, S sequence, H hidden units, P predicted positions, N = B * P,
V vocabulary.
"""

import functools

import keras
import tensorflow as tf

from bert_tf.modeling.encoder import Configured
from bert_tf.modeling.kernels import Form


@keras.saving.register_keras_serializable(package="bert_tf")
class MaskedLMHead(Configured, keras.layers.Layer):
    """Predicts the words at some positions, with the encoder's own word embeddings."""

    def build(self, input_shape=None):
        """Creates the transformation and the bias of the output."""
        hidden_size = self.config.hidden_size
        self.transform = self.dense(hidden_size, hidden_size, "transform")
        self.transform_layer_norm = self.layer_norm(hidden_size, "transform_layer_norm")
        self.output_bias = self.add_weight(
            shape=(self.config.vocab_size,),
            initializer="zeros",
            name="output_bias",
            autocast=False,  # added to float32 logits
        )
        self.built = True

    def call(
        self,
        x_BPH: tf.Tensor,
        word_embeddings: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Predicts.

        Args:
            x_BPH: float [B, P, H], the encoder's outputs at these positions.
            word_embeddings: float [V, H].
            training: Keras hands it down from the model.

        Returns:
            Logits, float32 [B, P, V].
        """
        # One product of two matrices: as a batch of products it would be many small
        # ones, and their gradient a tensor [B, V, H].
        hidden_size = x_BPH.shape[-1]
        x_NH = tf.reshape(x_BPH, [-1, hidden_size])
        # The number of positions may differ in each batch.
        form = Form.PLAIN if training else Form.FUSED
        x_NH = self.transform(
            x_NH, epilogue=functools.partial(self.activation, form=form)
        )
        x_NH = self.transform_layer_norm(x_NH, form=form)
        logits_NV = tf.matmul(
            x_NH, tf.cast(word_embeddings, x_NH.dtype), transpose_b=True
        )
        logits_NV = tf.cast(logits_NV, tf.float32) + self.output_bias
        shape_BPV = [*tf.unstack(tf.shape(x_BPH)[:2]), self.config.vocab_size]
        return tf.reshape(logits_NV, shape_BPV)


@keras.saving.register_keras_serializable(package="bert_tf")
class NextSentenceHead(Configured, keras.layers.Layer):
    """Tells whether the second segment follows the first (0) or is a random one (1)."""

    def build(self, input_shape=None):
        """Creates the classifier, which computes in float32 under every policy."""
        self.classifier = self.dense(
            2, self.config.hidden_size, "classifier", dtype="float32"
        )
        self.built = True

    def call(self, pooled_output: tf.Tensor) -> tf.Tensor:
        """Classifies.

        Args:
            pooled_output: float [B, H].

        Returns:
            Logits, float32 [B, 2].
        """
        return self.classifier(pooled_output)
