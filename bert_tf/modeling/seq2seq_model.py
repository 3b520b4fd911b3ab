"""An encoder that reads a text and a decoder that writes another.

Shapes: B batch, S source, T target, F features of a token, V vocabulary.
"""

import dataclasses

import keras
import tensorflow as tf

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.modeling.decoder import Decoder, Memory
from bert_tf.modeling.dropout import fold_seed, random_seed
from bert_tf.modeling.encoder import BertEncoder, Configured
from bert_tf.modeling.generation import Step
from bert_tf.modeling.task_model import checked_features, num_features, token_features

_TARGET_SEED, _DECODER_SEED = 1000, 1001  # apart from those of the encoder's layers


@keras.saving.register_keras_serializable(package="bert_tf")
class Seq2SeqModel(Configured, keras.Model):
    """Predicts a target from its source, a word from all before it.

    Source and target share the embeddings, and the words are predicted with them.

    Args:
        config: of the encoder and of the decoder, or its fields as a dict.
        features: what the decoder attends to, or its fields as a dict; `pooling` has no
            part in it. A frozen encoder's embeddings are frozen, too.
    """

    def __init__(
        self,
        config: BertConfig | dict,
        features: FeatureConfig | dict,
        name: str = "seq2seq",
        **kwargs,
    ):
        super().__init__(config, name=name, **kwargs)
        self.features = checked_features(features, self.config)
        self.build()

    def build(self, input_shape=None):
        """Creates all variables."""
        self.bert = BertEncoder(self.config, dtype=self.dtype_policy)
        self.bert.trainable = not self.features.frozen
        self.decoder = Decoder(self.config, dtype=self.dtype_policy, name="decoder")
        self.decoder.build((None, None, num_features(self.config, self.features)))
        self.built = True

    def call(
        self,
        inputs: dict[str, tf.Tensor],
        training: bool = False,
        dropout_seed: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Predicts each word of a known target.

        Args:
            inputs: what BertEncoder takes, int [B, S], and `target_ids`, int [B, T],
                without [CLS]: the word at a position is predicted from those before it.
                Other keys are ignored.
            training: whether to apply dropout.
            dropout_seed: see BertEncoder.

        Returns:
            `logits`, float32 [B, T, V].
        """
        if training and dropout_seed is None:
            dropout_seed = random_seed()
        if not training:
            dropout_seed = None
        is_trained = training and not self.features.frozen
        encoder_seed = dropout_seed if is_trained else None
        outputs = self.bert(inputs, training=is_trained, dropout_seed=encoder_seed)
        # Every source begins with [CLS].
        ids_BT = tf.concat(
            [inputs["input_word_ids"][:, :1], inputs["target_ids"][:, :-1]], axis=1
        )
        embeddings = self.bert.embeddings
        logits = self.decoder(
            embeddings(
                ids_BT,
                tf.zeros_like(ids_BT),
                dropout_seed=fold_seed(encoder_seed, _TARGET_SEED),
            ),
            token_features(outputs, self.features),
            inputs["input_mask"],
            embeddings.word_embeddings,
            training=training,
            dropout_seed=fold_seed(dropout_seed, _DECODER_SEED),
        )
        return {"logits": logits}

    def begin(
        self, inputs: dict[str, tf.Tensor], *, length: int, num_beams: int
    ) -> tuple[Step, tuple[Memory, ...]]:
        """Reads the sources, so that targets can be written a token at a time.

        Args:
            inputs: what BertEncoder takes, int [B, S].
            length: tokens of the longest target, [SEP] included.
            num_beams: targets that are written of each source, K.

        Returns:
            A function for `generation.search`, of targets [B * K], and its first memory.
        """
        source_BSF = token_features(self.bert(inputs), self.features)
        source, mask_BS = tf.nest.map_structure(
            lambda values: tf.repeat(values, num_beams, axis=0),
            (self.decoder.source_memory(source_BSF), inputs["input_mask"]),
        )
        embeddings = self.bert.embeddings

        def step(ids_B, written, index):
            ids_B1 = ids_B[:, None]
            x_B1H = embeddings(
                ids_B1, tf.zeros_like(ids_B1), tf.ones_like(ids_B1) * index
            )
            return self.decoder.step(
                x_B1H, source, mask_BS, written, index, embeddings.word_embeddings
            )

        return step, self.decoder.empty_memory(tf.shape(mask_BS)[0], length)

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {"features": dataclasses.asdict(self.features)}
