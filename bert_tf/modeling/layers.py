"""Keras' layers, computed by our kernels."""

import keras
import tensorflow as tf

from bert_tf.modeling import kernels


@keras.saving.register_keras_serializable(package="bert_tf")
class Dense(keras.layers.Dense):
    """A dense layer."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """[..., I] to [..., units].

        Args:
            inputs: float [..., I].
            training: whether gradients are by hand; Keras hands it down from the model.
        """
        kernel, bias = map(tf.convert_to_tensor, (self.kernel, self.bias))
        return self.activation(kernels.dense(inputs, kernel, bias, training=training))


@keras.saving.register_keras_serializable(package="bert_tf")
class LayerNorm(keras.layers.LayerNormalization):
    """Layer normalisation of the last axis, in float32."""

    def call(
        self, inputs: tf.Tensor, training: bool = False, compiled: bool = True
    ) -> tf.Tensor:
        """[..., H] to the same.

        Args:
            inputs: float [..., H].
            training: Keras hands it down from the model, and from a layer that is given
                it to those called afterwards.
            compiled: whether by XLA in training, for shapes that stay the same.
        """
        gamma, beta = map(tf.convert_to_tensor, (self.gamma, self.beta))
        return kernels.layer_norm(
            inputs, gamma, beta, epsilon=self.epsilon, compiled=training and compiled
        )
