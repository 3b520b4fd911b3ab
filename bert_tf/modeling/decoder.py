"""A decoder of the encoder's shape (Vaswani et al. 2017; Rothe et al. 2020).

Shapes: B batch, S source, T target, Q the positions of the target that a call computes:
all of it, or one; H hidden units, F features of a token of the source, N heads, D = H / N
units per head, V vocabulary.
"""

import re
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from bert_tf.modeling import kernels
from bert_tf.modeling.attention import SelfAttention
from bert_tf.modeling.dropout import fold_seed
from bert_tf.modeling.encoder import Configured
from bert_tf.modeling.heads import MaskedLMHead
from bert_tf.modeling.kernels import Form

# The keys and the values of a sequence, [B, N, S or T, D] each.
Memory = tuple[tf.Tensor, tf.Tensor]

_ENCODER_LAYER = re.compile(r"bert/(layer_\d+)/(.+)")


@keras.saving.register_keras_serializable(package="bert_tf")
class MemoryAttention(SelfAttention):
    """Attention to keys and values that are computed apart, once for many calls."""

    def memory(self, x_BSF: tf.Tensor) -> Memory:
        """What is to be kept of a sequence that is attended to."""
        return self._split_heads(self.key(x_BSF)), self._split_heads(self.value(x_BSF))

    def call(
        self,
        x_BQH: tf.Tensor,
        memory: Memory,
        mask_BQS: tf.Tensor,
        dropout_seed: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Attends.

        Args:
            x_BQH: float [B, Q, H], what attends.
            memory: of what is attended to.
            mask_BQS: bool [B or 1, Q or 1, S], True where the second position may be
                attended to from the first.
            dropout_seed: int32 [2], or None for no dropout.

        Returns:
            The heads' weighted values side by side, [B, Q, H].
        """
        key_BNSD, value_BNSD = memory
        query_BNQD = self._split_heads(self.query(x_BQH))
        probabilities_BNQS = kernels.masked_softmax(
            tf.matmul(query_BNQD, key_BNSD, transpose_b=True),
            mask_BQS[:, None],
            scale=query_BNQD.shape[-1] ** -0.5,
            form=Form.PLAIN,
        )
        probabilities_BNQS = self.dropout(
            probabilities_BNQS, seed=fold_seed(dropout_seed, 0), form=Form.PLAIN
        )
        context_BQND = kernels.swap_middle_axes(tf.matmul(probabilities_BNQS, value_BNSD))
        return tf.reshape(context_BQND, tf.shape(x_BQH))


@keras.saving.register_keras_serializable(package="bert_tf")
class DecoderLayer(Configured, keras.layers.Layer):
    """Attention to what is written, attention to the source and feed-forward.

    Each is added to its input and normalised as in the encoder's TransformerLayer.
    """

    def build(self, source_shape):
        """Creates the sub-layers for sources [B, S, F]."""
        config = self.config
        hidden_size, intermediate_size = config.hidden_size, config.intermediate_size
        target_shape = (None, None, hidden_size)
        for kind, attended_shape in (("self", target_shape), ("cross", source_shape)):
            attention = MemoryAttention(
                config.num_attention_heads,
                config.attention_probs_dropout_prob,
                config.initializer_range,
                dtype=self.dtype_policy,
                name=f"{kind}_attention",
            )
            attention.build(target_shape, attended_shape)
            setattr(self, attention.name, attention)
            for layer in (
                self.dense(hidden_size, hidden_size, f"{kind}_attention_output"),
                self.layer_norm(hidden_size, f"{kind}_attention_layer_norm"),
            ):
                setattr(self, layer.name, layer)
        self.intermediate = self.dense(intermediate_size, hidden_size, "intermediate")
        self.ffn_output = self.dense(hidden_size, intermediate_size, "output")
        self.output_layer_norm = self.layer_norm(hidden_size, "output_layer_norm")
        self.hidden_dropout = self.dropout()
        self.built = True

    def call(
        self,
        x_BQH: tf.Tensor,
        source: Memory,
        source_mask_B1S: tf.Tensor,
        mask_1QT: tf.Tensor,
        written: Memory | None = None,
        index: tf.Tensor | None = None,
        dropout_seed: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, Memory]:
        """Transforms all positions of the target, or the one at `index`.

        Args:
            x_BQH: float [B, Q, H].
            source: `cross_attention.memory` of the source's features.
            source_mask_B1S: bool [B, 1, S], True at tokens.
            mask_1QT: bool [1, Q, T], True where the second position of the target may be
                attended to from the first.
            written: keys and values of the positions before `index`; None if x_BQH
                has all positions.
            index: int, the position of x_BQH with `written`.
            dropout_seed: int32 [2], or None for no dropout.

        Returns:
            Float [B, Q, H], and the keys and values of `written` with those of x_BQH.
        """
        seeds = [fold_seed(dropout_seed, number) for number in range(5)]
        is_pre = self.config.layer_norm == "pre"

        def drop(y_BQH, seed):
            return self.hidden_dropout(y_BQH, seed=seed, form=Form.PLAIN)

        def before(norm, x_BQH):
            return norm(x_BQH, form=Form.PLAIN) if is_pre else x_BQH

        def after(norm, x_BQH):
            return x_BQH if is_pre else norm(x_BQH, form=Form.PLAIN)

        norm = self.self_attention_layer_norm
        y_BQH = before(norm, x_BQH)
        own = self.self_attention.memory(y_BQH)
        if written is not None:
            own = tuple(
                _put(old, new, index) for old, new in zip(written, own, strict=True)
            )
        y_BQH = self.self_attention(y_BQH, own, mask_1QT, dropout_seed=seeds[0])
        y_BQH = self.self_attention_output(y_BQH)
        x_BQH = after(norm, x_BQH + drop(y_BQH, seeds[1]))

        norm = self.cross_attention_layer_norm
        y_BQH = self.cross_attention(
            before(norm, x_BQH), source, source_mask_B1S, dropout_seed=seeds[2]
        )
        y_BQH = self.cross_attention_output(y_BQH)
        x_BQH = after(norm, x_BQH + drop(y_BQH, seeds[3]))

        norm = self.output_layer_norm
        y_BQF = self.intermediate(before(norm, x_BQH))
        y_BQH = self.ffn_output(self.activation(y_BQF, form=Form.PLAIN))
        return after(norm, x_BQH + drop(y_BQH, seeds[4])), own


def _put(old_BNTD: tf.Tensor, new_BN1D: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    # Not TensorFlow's update of a slice, which XLA would compile for each shape.
    is_here_T1 = tf.equal(tf.range(tf.shape(old_BNTD)[2]), index)[:, None]
    return tf.where(is_here_T1, new_BN1D, old_BNTD)


@keras.saving.register_keras_serializable(package="bert_tf")
class Decoder(Configured, keras.layers.Layer):
    """From what is written to the word after it, with the encoder's word embeddings.

    `call` computes all positions of a known target. To write one, give `step` a token's
    embedding after the other; it computes the same and keeps what the next will need.
    """

    def build(self, source_shape):
        """Creates the layers for sources [B, S, F]."""
        config = self.config
        self.decoder_layers = [
            DecoderLayer(config, dtype=self.dtype_policy, name=f"layer_{index}")
            for index in range(config.num_hidden_layers)
        ]
        for layer in self.decoder_layers:
            layer.build(source_shape)
        if config.layer_norm == "pre":  # nothing has normalised the last sum
            self.final_layer_norm = self.layer_norm(
                config.hidden_size, "final_layer_norm"
            )
        self.head = MaskedLMHead(config, dtype=self.dtype_policy, name="head")
        self.head.build()
        self.built = True

    def call(
        self,
        x_BTH: tf.Tensor,
        source_BSF: tf.Tensor,
        source_mask_BS: tf.Tensor,
        word_embeddings: tf.Tensor,
        training: bool = False,
        dropout_seed: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Predicts the word after each position from those up to it.

        Args:
            x_BTH: float [B, T, H], the embeddings of the target, [CLS] before it.
            source_BSF: float [B, S, F], what is seen of the encoder's output.
            source_mask_BS: int [B, S], 1 at tokens and 0 at padding.
            word_embeddings: float [V, H].
            training: Keras hands it on to the layers within.
            dropout_seed: int32 [2], or None for no dropout.

        Returns:
            Logits, float32 [B, T, V].
        """
        del training
        positions = tf.range(tf.shape(x_BTH)[1])
        mask_1TT = (positions[None, :] <= positions[:, None])[None]
        mask_B1S = tf.cast(source_mask_BS, tf.bool)[:, None, :]
        for number, (layer, source) in enumerate(
            zip(self.decoder_layers, self.source_memory(source_BSF), strict=True)
        ):
            x_BTH, _ = layer(
                x_BTH,
                source,
                mask_B1S,
                mask_1TT,
                dropout_seed=fold_seed(dropout_seed, number),
            )
        return self._predict(x_BTH, word_embeddings)

    def source_memory(self, source_BSF: tf.Tensor) -> tuple[Memory, ...]:
        """What `step` needs of the source, by layer.

        Args:
            source_BSF: float [B, S, F], what is seen of the encoder's output.
        """
        return tuple(
            layer.cross_attention.memory(source_BSF) for layer in self.decoder_layers
        )

    def empty_memory(self, batch_size: tf.Tensor, length: int) -> tuple[Memory, ...]:
        """What `step` needs of the target before its first token, by layer.

        Args:
            batch_size: int, B.
            length: of the longest target, T.
        """
        config = self.config
        head_size = config.hidden_size // config.num_attention_heads
        shape_BNTD = [batch_size, config.num_attention_heads, length, head_size]
        zeros = tf.zeros(shape_BNTD, self.compute_dtype)
        return tuple((zeros, zeros) for _ in self.decoder_layers)

    def step(
        self,
        x_B1H: tf.Tensor,
        source: tuple[Memory, ...],
        source_mask_BS: tf.Tensor,
        written: tuple[Memory, ...],
        index: tf.Tensor,
        word_embeddings: tf.Tensor,
    ) -> tuple[tf.Tensor, tuple[Memory, ...]]:
        """Predicts the word after one position.

        Args:
            x_B1H: float [B, 1, H], the embedding at `index`.
            source: see `source_memory`.
            source_mask_BS: int [B, S].
            written: what the step before has returned, or `empty_memory`.
            index: int, of the position from 0.
            word_embeddings: float [V, H].

        Returns:
            Logits, float32 [B, V], and `written` with this position.
        """
        length = tf.shape(written[0][0])[2]
        mask_11T = (tf.range(length) <= index)[None, None]
        mask_B1S = tf.cast(source_mask_BS, tf.bool)[:, None, :]
        kept = []
        for layer, from_source, before in zip(
            self.decoder_layers, source, written, strict=True
        ):
            x_B1H, own = layer(x_B1H, from_source, mask_B1S, mask_11T, before, index)
            kept.append(own)
        return self._predict(x_B1H, word_embeddings)[:, 0], tuple(kept)

    def _predict(self, x_BQH: tf.Tensor, word_embeddings: tf.Tensor) -> tf.Tensor:
        if self.config.layer_norm == "pre":
            x_BQH = self.final_layer_norm(x_BQH, form=Form.PLAIN)
        return self.head(x_BQH, word_embeddings)


def decoder_weights(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a decoder begins with: the weights of a BERT (Rothe et al. 2020, section 3).

    Both attentions of a layer begin as the encoder's, and the head as that of masked
    language modelling, where there is one.

    Args:
        weights: by our paths, such as bert/layer_0/attention/query/kernel; others than
            the encoder's and the head's are passed over.

    Returns:
        By the paths of a decoder's variables in its model, such as
        decoder/layer_0/self_attention/query/kernel.
    """
    begun = {}
    for path, values in weights.items():
        match = _ENCODER_LAYER.fullmatch(path)
        if match:
            kinds = ("self_", "cross_") if match[2].startswith("attention") else ("",)
            begun |= {f"decoder/{match[1]}/{kind}{match[2]}": values for kind in kinds}
        elif path.startswith("bert/final_layer_norm/"):
            begun[path.replace("bert/", "decoder/", 1)] = values
        elif path.startswith("masked_lm/"):
            begun[path.replace("masked_lm/", "decoder/head/", 1)] = values
    return begun
