"""An encoder with one head, for all tasks that answer by scores.

Shapes: B batch, C choices of an example, S sequence, H hidden units, F features of a
token or a sequence, O outputs of the head.
"""

import dataclasses

import keras
import tensorflow as tf

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.modeling.dropout import StatelessDropout, fold_seed, random_seed
from bert_tf.modeling.encoder import BertEncoder, Configured

_HEAD_SEED = 1000  # apart from the numbers of the encoder's layers


@dataclasses.dataclass(frozen=True)
class HeadConfig:
    """A dense layer on features of the encoder."""

    name: str  # of its variables; see checkpoints/shapes.py
    num_outputs: int
    of_tokens: bool = False  # for each token; or for the sequence
    has_dropout: bool = True  # of the features, in training


@keras.saving.register_keras_serializable(package="bert_tf")
class TaskModel(Configured, keras.Model):
    """Scores sequences, or each of their tokens.

    Args:
        config: of the encoder, or its fields as a dict.
        head: or its fields as a dict.
        features: what the head sees; or its fields as a dict.
    """

    def __init__(
        self,
        config: BertConfig | dict,
        head: HeadConfig | dict,
        features: FeatureConfig | dict,
        name: str = "task",
        **kwargs,
    ):
        super().__init__(config, name=name, **kwargs)
        self.head = HeadConfig(**head) if isinstance(head, dict) else head
        self.features = checked_features(features, self.config)
        self.build()

    def build(self, input_shape=None):
        """Creates all variables."""
        self.bert = BertEncoder(self.config, dtype=self.dtype_policy)
        self.bert.trainable = not self.features.frozen
        self.head_dropout = StatelessDropout(
            self.config.hidden_dropout_prob, dtype=self.dtype_policy
        )
        self.head_dropout.build(())
        self.output_layer = self.dense(
            self.head.num_outputs,
            num_features(self.config, self.features),
            self.head.name,
            dtype="float32",
        )
        self.built = True

    def call(
        self,
        inputs: dict[str, tf.Tensor],
        training: bool = False,
        dropout_seed: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Scores.

        Args:
            inputs: what BertEncoder takes, [B, S], or [B, C, S] where an example is a
                choice between sequences. Other keys are ignored.
            training: whether to apply dropout.
            dropout_seed: see BertEncoder.

        Returns:
            `logits`, float32: [B, O] of sequences, [B, S, O] of tokens, or
            [B, C, O] of choices.
        """
        if training and dropout_seed is None:
            dropout_seed = random_seed()
        if not training:
            dropout_seed = None
        sequences = {name: tf.convert_to_tensor(inputs[name]) for name in ENCODER_INPUTS}
        shape = tf.shape(sequences["input_mask"])
        has_choices = sequences["input_mask"].shape.rank == 3
        if has_choices:
            sequences = {
                name: tf.reshape(values, [-1, shape[-1]])
                for name, values in sequences.items()
            }
        is_trained = training and not self.features.frozen
        outputs = self.bert(
            sequences,
            training=is_trained,
            dropout_seed=dropout_seed if is_trained else None,
        )
        x = self._features(outputs, sequences["input_mask"])
        if self.head.has_dropout:
            x = self.head_dropout(x, seed=fold_seed(dropout_seed, _HEAD_SEED))
        logits = self.output_layer(tf.cast(x, tf.float32))
        if has_choices:
            logits = tf.reshape(logits, [*tf.unstack(shape[:2]), self.head.num_outputs])
        return {"logits": logits}

    def _features(self, outputs: dict[str, tf.Tensor], mask: tf.Tensor) -> tf.Tensor:
        x_BSF = token_features(outputs, self.features)
        if self.head.of_tokens:
            return x_BSF
        if self.features.pooling == "pooler":
            return outputs["pooled_output"]
        if self.features.pooling == "first":
            return x_BSF[:, 0]
        return mean_of_tokens(x_BSF, mask)

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {
            "head": dataclasses.asdict(self.head),
            "features": dataclasses.asdict(self.features),
        }


def checked_features(features: FeatureConfig | dict, config: BertConfig) -> FeatureConfig:
    """Of a model's constructor; Keras gives back what `get_config` returned as a dict."""
    if isinstance(features, dict):
        features = FeatureConfig(**features)
    features.validate(config)
    return features


def num_features(config: BertConfig, features: FeatureConfig) -> int:
    """How many numbers `token_features` has for a token, F."""
    is_concatenated = features.combination == "concat" and features.layers
    return config.hidden_size * (len(features.layers) if is_concatenated else 1)


def token_features(outputs: dict[str, tf.Tensor], features: FeatureConfig) -> tf.Tensor:
    """The chosen layers of an encoder's outputs, one after the other or added: [B, S, F].

    Without any chosen it is the last.
    """
    if not features.layers:
        return outputs["sequence_output"]
    chosen = [outputs["encoder_outputs"][layer] for layer in features.layers]
    if features.combination == "sum":
        return tf.add_n(chosen)
    return tf.concat(chosen, axis=-1)


def mean_of_tokens(x_BSF: tf.Tensor, mask_BS: tf.Tensor) -> tf.Tensor:
    """The mean over the positions where the mask is 1: [B, F]."""
    weights_BS1 = tf.cast(mask_BS, x_BSF.dtype)[:, :, tf.newaxis]
    total_BF = tf.reduce_sum(x_BSF * weights_BS1, axis=1)
    return total_BF / tf.maximum(tf.reduce_sum(weights_BS1, axis=1), 1)
