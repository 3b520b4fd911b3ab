"""The BERT encoder (Devlin et al. 2019, section 3).

Shapes: B batch, S sequence, H hidden units, F feed-forward units, Q the positions that a
layer computes: all of S, or some.
"""

import dataclasses
import functools
from collections.abc import Callable

import keras
import tensorflow as tf

from bert_tf.config import BertConfig
from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.errors import UserError
from bert_tf.modeling import kernels
from bert_tf.modeling.attention import SelfAttention
from bert_tf.modeling.dropout import StatelessDropout, fold_seed, random_seed
from bert_tf.modeling.kernels import Form
from bert_tf.modeling.layers import Dense, LayerNorm
from bert_tf.modeling.neighbours import look_beside


class Configured:
    """Mixed into Keras layers and models whose one argument is the BertConfig.

    Args:
        config: a BertConfig, or its fields as a dict, which is how Keras gives back
            what `get_config` returned.
    """

    def __init__(self, config: BertConfig | dict, **kwargs):
        config = BertConfig(**config) if isinstance(config, dict) else config
        config.validate()
        super().__init__(**{"dtype": config.dtype_policy} | kwargs)
        self.config = config

    def dense(self, units: int, input_size: int, name: str, **kwargs):
        """A built Dense layer for inputs [..., input_size]."""
        layer = Dense(
            units,
            kernel_initializer=self.initializer(),
            name=name,
            **{"dtype": self.dtype_policy} | kwargs,
        )
        layer.build((None, input_size))
        return layer

    def layer_norm(self, size: int, name: str):
        """A built LayerNorm over [..., size]."""
        layer = LayerNorm(
            epsilon=self.config.layer_norm_eps, dtype=self.dtype_policy, name=name
        )
        layer.build((None, size))
        return layer

    def dropout(self) -> StatelessDropout:
        """A built dropout of hidden units."""
        layer = StatelessDropout(self.config.hidden_dropout_prob, dtype=self.dtype_policy)
        layer.build(())
        return layer

    def initializer(self) -> keras.initializers.Initializer:
        """The truncated normal of all matrices; a new one for each variable."""
        return keras.initializers.TruncatedNormal(stddev=self.config.initializer_range)

    def activation(self, x: tf.Tensor, *, form: Form) -> tf.Tensor:
        """The GELU that `config.hidden_act` names; see BertConfig."""
        is_approximate = self.config.hidden_act == "gelu_new"
        return kernels.gelu(x, approximate=is_approximate, form=form)

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {"config": dataclasses.asdict(self.config)}


@keras.saving.register_keras_serializable(package="bert_tf")
class Embeddings(Configured, keras.layers.Layer):
    """Sum of word, position and type embeddings, normalised (section 3, figure 2)."""

    def build(self, input_shape=None):
        """Creates the three tables."""
        config = self.config
        for name, rows in (
            ("word_embeddings", config.vocab_size),
            ("position_embeddings", config.max_position_embeddings),
            ("token_type_embeddings", config.type_vocab_size),
        ):
            table = self.add_weight(
                shape=(rows, config.hidden_size),
                initializer=self.initializer(),
                name=name,
            )
            setattr(self, name, table)
        self.embeddings_layer_norm = self.layer_norm(config.hidden_size, "layer_norm")
        self.embeddings_dropout = self.dropout()
        self.built = True

    def call(
        self,
        input_word_ids: tf.Tensor,
        input_type_ids: tf.Tensor,
        position_ids: tf.Tensor | None = None,
        dropout_seed: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Embeds.

        Args:
            input_word_ids: int [B, S].
            input_type_ids: int [B, S], 0 for the first segment, 1 for the second.
            position_ids: int [B, S]; None for 0 to S - 1 in each row.
            dropout_seed: int32 [2], or None for no dropout.

        Returns:
            float [B, S, H].
        """
        if position_ids is None:
            length = tf.shape(input_word_ids)[1]
            positions = tf.convert_to_tensor(self.position_embeddings)[:length]
        else:
            positions = tf.gather(self.position_embeddings, position_ids)
        x_BSH = (
            tf.gather(self.word_embeddings, input_word_ids)
            + tf.gather(self.token_type_embeddings, input_type_ids)
            + positions
        )
        return self.embeddings_dropout(
            self.embeddings_layer_norm(x_BSH), seed=dropout_seed
        )


@keras.saving.register_keras_serializable(package="bert_tf")
class TransformerLayer(Configured, keras.layers.Layer):
    """Attention and feed-forward, each added to its input.

    By `config.layer_norm` the sum is normalised (post), or what goes into each of the
    two (pre; Xiong et al. 2020).
    """

    def build(self, input_shape=None):
        """Creates the sub-layers."""
        config = self.config
        hidden_size, intermediate_size = config.hidden_size, config.intermediate_size
        self.attention = SelfAttention(
            config.num_attention_heads,
            config.attention_probs_dropout_prob,
            config.initializer_range,
            dtype=self.dtype_policy,
            name="attention",
        )
        self.attention.build((None, None, hidden_size))
        self.attention_output = self.dense(hidden_size, hidden_size, "attention_output")
        self.attention_layer_norm = self.layer_norm(hidden_size, "attention_layer_norm")
        self.intermediate = self.dense(intermediate_size, hidden_size, "intermediate")
        self.ffn_output = self.dense(hidden_size, intermediate_size, "output")
        self.output_layer_norm = self.layer_norm(hidden_size, "output_layer_norm")
        self.hidden_dropout = self.dropout()
        self.built = True

    def call(
        self,
        x_BSH: tf.Tensor,
        mask_BST: tf.Tensor,
        training: bool = False,
        dropout_seed: tf.Tensor | None = None,
        output_positions: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Transforms.

        Args:
            x_BSH: float [B, S, H].
            mask_BST: bool [B, S or 1, S], True where the second position may be attended
                to from the first.
            training: whether gradients are by hand; Keras hands it down from the model.
            dropout_seed: int32 [2], or None for no dropout.
            output_positions: int [B, Q], what to compute; None for all.

        Returns:
            float [B, Q, H].
        """
        if not training:
            form = Form.FUSED
        else:  # the positions are others in each step, if not all of them
            form = Form.COMPILED if output_positions is None else Form.PLAIN
        is_pre = self.config.layer_norm == "pre"
        y_BSH = self.attention_layer_norm(x_BSH) if is_pre else x_BSH
        if output_positions is None:
            x_BQH, y_BQH, mask_BQT = x_BSH, y_BSH, mask_BST
        else:
            x_BQH = tf.gather(x_BSH, output_positions, batch_dims=1)
            y_BQH = tf.gather(y_BSH, output_positions, batch_dims=1) if is_pre else x_BQH
            is_alike = mask_BST.shape[1] == 1  # for all positions
            mask_BQT = (
                mask_BST
                if is_alike
                else tf.gather(mask_BST, output_positions, batch_dims=1)
            )

        y_BQH = self.attention(
            y_BQH,
            y_BSH,
            mask_BQT,
            form=form,
            dropout_seed=fold_seed(dropout_seed, 0),
        )
        x_BQH = self.attention_output(
            y_BQH, epilogue=self._added_to(x_BQH, fold_seed(dropout_seed, 1), form)
        )
        if not is_pre:
            x_BQH = self.attention_layer_norm(x_BQH, form=form)

        y_BQH = self.output_layer_norm(x_BQH, form=form) if is_pre else x_BQH
        y_BQF = self.intermediate(
            y_BQH, epilogue=functools.partial(self.activation, form=form)
        )
        x_BQH = self.ffn_output(
            y_BQF, epilogue=self._added_to(x_BQH, fold_seed(dropout_seed, 2), form)
        )
        return x_BQH if is_pre else self.output_layer_norm(x_BQH, form=form)

    def _added_to(
        self, x_BQH: tf.Tensor, dropout_seed: tf.Tensor | None, form: Form
    ) -> Callable[[tf.Tensor], tf.Tensor]:
        """The residual connection, as the epilogue of the layer before it."""

        def add(y_NH):
            y_NH = self.hidden_dropout(y_NH, seed=dropout_seed, form=form)
            return tf.reshape(x_BQH, tf.shape(y_NH)) + y_NH

        return add


@keras.saving.register_keras_serializable(package="bert_tf")
class BertEncoder(Configured, keras.Model):
    """Token ids in, a vector for each token and one for the sequence out.

    For example:

    ```python
    encoder = BertEncoder(bert_size("tiny"))
    encoder(
        {
            "input_word_ids": tf.constant([[101, 7592, 102, 0]]),
            "input_mask": tf.constant([[1, 1, 1, 0]]),
            "input_type_ids": tf.constant([[0, 0, 0, 0]]),
        }
    )["sequence_output"].shape  # (1, 4, 128)
    ```
    """

    def __init__(self, config: BertConfig | dict, name: str = "bert", **kwargs):
        super().__init__(config, name=name, **kwargs)
        self.build()

    def build(self, input_shape=None):
        """Creates all variables, so that they can be loaded before the first call."""
        config = self.config
        self.embeddings = Embeddings(config, dtype=self.dtype_policy, name="embeddings")
        self.embeddings.build()
        self.transformer_layers = [
            TransformerLayer(config, dtype=self.dtype_policy, name=f"layer_{index}")
            for index in range(config.num_hidden_layers)
        ]
        for layer in self.transformer_layers:
            layer.build()
        if config.initial_attention == "beside":
            # As a graph: MirroredStrategy warns of assignments one by one.
            tf.function(self._look_beside, autograph=False)()
        if config.layer_norm == "pre":  # nothing has normalised the last sum
            self.final_layer_norm = self.layer_norm(
                config.hidden_size, "final_layer_norm"
            )
        self.pooler = self.dense(
            config.hidden_size, config.hidden_size, "pooler", activation="tanh"
        )
        self.built = True

    def call(
        self,
        inputs: dict[str, tf.Tensor],
        training: bool = False,
        dropout_seed: tf.Tensor | None = None,
        output_positions: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Encodes.

        Args:
            inputs: `input_word_ids`, `input_mask` and `input_type_ids`, each int
                [B, S]; the mask is 1 at tokens and 0 at padding. Rows of several
                examples have `example_numbers`, `position_ids` and `cls_positions` too;
                see data/row_packing.py. Other keys are ignored.
            training: whether to apply dropout.
            dropout_seed: int32 [2]; all dropout of this call follows from it. Without
                it training draws a seed from TensorFlow's global generator.
            output_positions: int [B, P], at which alone the last layer's output is asked
                for; the rest of it is not computed.

        Returns:
            `sequence_output` [B, S, H], or [B, P, H]; `pooled_output` [B, H], a dense
            layer with tanh on the first token, or [B, K, H] on the first of each
            example; `encoder_outputs`, the tuple of [B, S, H] of the embeddings and
            every layer, without the last one's if only some of it is computed.

        Raises:
            UserError: S is more than max_position_embeddings.
        """
        word_ids, mask, type_ids = (
            tf.convert_to_tensor(inputs[name]) for name in ENCODER_INPUTS
        )
        self._check_length(word_ids.shape[1])
        if training and dropout_seed is None:
            dropout_seed = random_seed()
        if not training:
            dropout_seed = None

        mask_BST = tf.cast(mask, tf.bool)[:, None, :]
        if "example_numbers" in inputs:
            numbers = inputs["example_numbers"]
            mask_BST &= numbers[:, :, None] == numbers[:, None, :]
        cls_BK = inputs.get("cls_positions", tf.zeros_like(word_ids[:, :1]))
        last_BQ = None  # what the last layer computes
        if output_positions is not None:
            last_BQ = tf.concat([cls_BK, tf.cast(output_positions, cls_BK.dtype)], 1)

        outputs = [
            self.embeddings(
                word_ids,
                type_ids,
                inputs.get("position_ids"),
                dropout_seed=fold_seed(dropout_seed, 0),
            )
        ]
        for index, layer in enumerate(self.transformer_layers, start=1):
            is_last = index == len(self.transformer_layers)
            outputs.append(
                layer(
                    outputs[-1],
                    mask_BST,
                    dropout_seed=fold_seed(dropout_seed, index),
                    output_positions=last_BQ if is_last else None,
                )
            )
        last = outputs[-1]
        if self.config.layer_norm == "pre":
            form = Form.COMPILED if last_BQ is None else Form.PLAIN
            last = self.final_layer_norm(last, form=form)

        if last_BQ is None:
            outputs[-1] = sequence_output = last
            first_BKH = tf.gather(last, cls_BK, batch_dims=1)
        else:
            del outputs[-1]
            num_first = tf.shape(cls_BK)[1]
            first_BKH, sequence_output = last[:, :num_first], last[:, num_first:]
        pooled_output = self.pooler(first_BKH)
        return {
            "sequence_output": sequence_output,
            "pooled_output": pooled_output
            if "cls_positions" in inputs
            else pooled_output[:, 0],
            "encoder_outputs": tuple(outputs),
        }

    def _look_beside(self):
        attention = self.transformer_layers[0].attention
        look_beside(
            position_embeddings=self.embeddings.position_embeddings,
            other_embeddings=[
                self.embeddings.word_embeddings,
                self.embeddings.token_type_embeddings,
            ],
            query_kernel=attention.query.kernel,
            key_kernel=attention.key.kernel,
            num_heads=self.config.num_attention_heads,
            stddev=self.config.initializer_range,
        )

    def _check_length(self, length: int | None):
        longest = self.config.max_position_embeddings
        if length is not None and length > longest:
            raise UserError(
                f"Expected sequences of at most {longest} tokens "
                f"(max_position_embeddings), received {length}; shorten them or use a "
                "model with more positions."
            )
