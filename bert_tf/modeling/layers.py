"""Keras' layers, computed by our kernels."""

from collections.abc import Callable

import keras
import tensorflow as tf

from bert_tf.modeling import kernels
from bert_tf.modeling.kernels import Form


@keras.saving.register_keras_serializable(package="bert_tf")
class Dense(keras.layers.Dense):
    """A dense layer."""

    def call(
        self,
        inputs: tf.Tensor,
        training: bool = False,
        epilogue: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """[..., I] to [..., units].

        Args:
            inputs: float [..., I].
            training: whether gradients are by hand; Keras hands it down from the model.
            epilogue: in place of the layer's activation, from [N, units] to the same.
        """
        kernel, bias = map(tf.convert_to_tensor, (self.kernel, self.bias))
        return kernels.dense(
            inputs, kernel, bias, training=training, epilogue=epilogue or self.activation
        )


@keras.saving.register_keras_serializable(package="bert_tf")
class LayerNorm(keras.layers.LayerNormalization):
    """Layer normalisation of the last axis, in float32."""

    def call(
        self, inputs: tf.Tensor, training: bool = False, form: Form = Form.COMPILED
    ) -> tf.Tensor:
        """[..., H] to the same.

        Args:
            inputs: float [..., H].
            training: Keras hands it down from the model, and from a layer that is given
                it to those called afterwards.
            form: in training; else it is fused.
        """
        gamma, beta = map(tf.convert_to_tensor, (self.gamma, self.beta))
        return kernels.layer_norm(
            inputs,
            gamma,
            beta,
            epsilon=self.epsilon,
            form=form if training else Form.FUSED,
        )
