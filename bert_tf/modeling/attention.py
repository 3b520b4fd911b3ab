"""Multi-head self-attention (Vaswani et al. 2017, section 3.2).

Shapes: B batch, S sequence, H hidden units, N heads, D = H / N units per head, Q the
positions of the sequence that attend, and T all of it where it is attended to.
"""

import keras
import tensorflow as tf

from bert_tf.modeling import kernels
from bert_tf.modeling.dropout import StatelessDropout, fold_seed
from bert_tf.modeling.kernels import Form
from bert_tf.modeling.layers import Dense


@keras.saving.register_keras_serializable(package="bert_tf")
class SelfAttention(keras.layers.Layer):
    """Scaled dot-product attention of a sequence to itself, before the output product.

    Variables: `query`, `key`, `value`, each with a kernel [H, H] and a bias [H].

    Args:
        num_heads: attention heads; divides H.
        dropout_rate: of the attention probabilities.
        initializer_range: standard deviation of the kernels' truncated normal.
    """

    def __init__(
        self, num_heads: int, dropout_rate: float, initializer_range: float, **kwargs
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.dropout_rate = dropout_rate
        self.initializer_range = initializer_range
        self.dropout = StatelessDropout(dropout_rate, dtype=self.dtype_policy)

    def build(self, x_BQH_shape, x_BTH_shape=None):
        """Creates the three projections.

        Args:
            x_BQH_shape: of what attends.
            x_BTH_shape: of what is attended to, if that has other features.
        """
        for name, shape in (
            ("query", x_BQH_shape),
            ("key", x_BTH_shape or x_BQH_shape),
            ("value", x_BTH_shape or x_BQH_shape),
        ):
            projection = Dense(
                x_BQH_shape[-1],
                kernel_initializer=keras.initializers.TruncatedNormal(
                    stddev=self.initializer_range
                ),
                dtype=self.dtype_policy,
                name=name,
            )
            projection.build(shape)
            setattr(self, name, projection)
        self.dropout.build(x_BQH_shape)
        self.built = True

    def call(
        self,
        x_BQH: tf.Tensor,
        x_BTH: tf.Tensor,
        mask_BQT: tf.Tensor,
        form: Form = Form.FUSED,
        dropout_seed: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Attends.

        Args:
            x_BQH: float [B, Q, H], what attends.
            x_BTH: float [B, T, H], what is attended to.
            mask_BQT: bool [B, Q or 1, T], True where the second position may be attended
                to from the first.
            form: of the softmax.
            dropout_seed: int32 [2], or None for no dropout.

        Returns:
            The heads' weighted values side by side, [B, Q, H].
        """
        query_BNQD = self._split_heads(self.query(x_BQH))
        key_BNTD = self._split_heads(self.key(x_BTH))
        value_BNTD = self._split_heads(self.value(x_BTH))

        probabilities_BNQT = kernels.masked_softmax(
            tf.matmul(query_BNQD, key_BNTD, transpose_b=True),
            mask_BQT[:, None],
            scale=query_BNQD.shape[-1] ** -0.5,
            form=form,
        )
        probabilities_BNQT = self.dropout(
            probabilities_BNQT, seed=fold_seed(dropout_seed, 0), form=form
        )

        context_BQND = kernels.swap_middle_axes(tf.matmul(probabilities_BNQT, value_BNTD))
        return tf.reshape(context_BQND, tf.shape(x_BQH))

    def _split_heads(self, x_BSH: tf.Tensor) -> tf.Tensor:
        batch_size, length, hidden_size = *tf.unstack(tf.shape(x_BSH)[:2]), x_BSH.shape[2]
        head_size = hidden_size // self.num_heads
        x_BSND = tf.reshape(x_BSH, [batch_size, length, self.num_heads, head_size])
        return kernels.swap_middle_axes(x_BSND)

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {
            "num_heads": self.num_heads,
            "dropout_rate": self.dropout_rate,
            "initializer_range": self.initializer_range,
        }
