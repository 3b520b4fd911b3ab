"""The vectors that a BERT has for tokens and texts (Devlin et al. 2019, section 5.3).

Shapes: B texts, S tokens of a text, L chosen layers, H hidden units.
"""

import dataclasses
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from bert_tf.config import FeatureConfig
from bert_tf.data.packing import pack_pair, pack_single
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints.pretrained import Pretrained, assign
from bert_tf.modeling.models import BertPretrainer

PAIR_SEPARATOR = "|||"
# Of the digits that the original writes.
_DECIMALS = 6


@dataclasses.dataclass(frozen=True)
class TextFeatures:
    """Of one text."""

    tokens: tuple[str, ...]
    values: np.ndarray  # float32 [S, L, H]

    @property
    def text_values(self) -> np.ndarray:
        """The mean over all tokens, [CLS] and [SEP] included: float32 [L, H]."""
        return self.values.mean(axis=0)


class FeatureExtractor:
    """Runs a BERT over texts and keeps some of its layers.

    Args:
        pretrained: with a vocabulary.
        layers: 0 the embeddings, -1 the last.
        max_seq_length: tokens after which a text is cut off; None for as many as the
            model can see.

    Raises:
        UserError: a layer or the length is beyond the model's, or it has no vocabulary.
    """

    def __init__(
        self, pretrained: Pretrained, *, layers: Sequence[int], max_seq_length: int | None
    ):
        config, vocabulary = pretrained.config, pretrained.vocabulary
        FeatureConfig(layers=tuple(layers), pooling="mean").validate(config)
        if vocabulary is None:
            raise UserError(
                "Expected a vocabulary beside the weights, found none; put the model's "
                "vocab.txt there."
            )
        max_seq_length = max_seq_length or config.max_position_embeddings
        if max_seq_length > config.max_position_embeddings:
            raise UserError(
                f"max_seq_length: expected at most the model's max_position_embeddings="
                f"{config.max_position_embeddings}, received {max_seq_length}; lower it."
            )
        self._tokenizer = BertTokenizer(vocabulary, lower_case=config.do_lower_case)
        self._layers = tuple(layers)
        self._max_seq_length = max_seq_length
        self._encoder = BertPretrainer(config)
        assign(self._encoder, pretrained)
        self._encode = tf.function(self._features, reduce_retracing=True)

    def extract(self, texts: Sequence[str], *, batch_size: int) -> Iterator[TextFeatures]:
        """The features of each text, in order.

        Args:
            texts: each a text, or two with ||| between them.
            batch_size: texts together.
        """
        vocabulary, num_cut = self._tokenizer.vocabulary, 0
        for start in range(0, len(texts), batch_size):
            parts = [text.split(PAIR_SEPARATOR, 1) for text in texts[start:][:batch_size]]
            inputs, is_cut = self._pack(
                tf.constant([part[0] for part in parts]),
                tf.constant([part[1] if len(part) > 1 else "" for part in parts]),
                tf.constant([len(part) > 1 for part in parts]),
            )
            num_cut += np.count_nonzero(is_cut)
            values = self._encode(inputs).numpy()
            lengths = inputs["input_mask"].numpy().sum(axis=1)
            ids = inputs["input_word_ids"].numpy()
            for row, length in enumerate(lengths):
                tokens = tuple(vocabulary.tokens[number] for number in ids[row, :length])
                yield TextFeatures(tokens, values[row, :length])
        if num_cut:
            logging.warning(
                "%d of %d texts are longer than max_seq_length=%d; the rest of them is "
                "not seen.",
                num_cut,
                len(texts),
                self._max_seq_length,
            )

    def _pack(
        self, first: tf.Tensor, second: tf.Tensor, is_pair: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Frames texts and pairs beside each other, padded to the longest of all.

        Returns:
            The encoder's inputs, int32 [B, S], and whether each is cut off, bool [B].
        """
        ids, second_ids = map(self._tokenizer.tokenize, (first, second))
        num_tokens = tf.cast(ids.row_lengths() + second_ids.row_lengths(), tf.int32)
        num_special = tf.where(is_pair, 3, 2)  # [CLS], and [SEP] after each
        is_cut = num_tokens + num_special > self._max_seq_length
        options = {"max_seq_length": self._max_seq_length}
        vocabulary = self._tokenizer.vocabulary
        singles = pack_single(ids, vocabulary, **options)
        pairs = pack_pair(ids, second_ids, vocabulary, **options)
        length = tf.maximum(
            *(tf.shape(each["input_mask"])[1] for each in (singles, pairs))
        )
        fills = {"input_word_ids": vocabulary.pad_id}

        def widen(name, values):
            missing = length - tf.shape(values)[1]
            fill = fills.get(name, 0)
            return tf.pad(values, [[0, 0], [0, missing]], constant_values=fill)

        inputs = {
            name: tf.where(
                is_pair[:, tf.newaxis], widen(name, pairs[name]), widen(name, values)
            )
            for name, values in singles.items()
        }
        return inputs, is_cut

    def _features(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        outputs = self._encoder.bert(inputs)["encoder_outputs"]
        chosen = tf.stack([outputs[layer] for layer in self._layers], axis=2)
        return tf.cast(chosen, tf.float32)


def to_jsonl(features: Iterable[TextFeatures], layers: Sequence[int]) -> Iterator[bytes]:
    """A line for each text; see bert_tf.extract_features."""
    for number, text in enumerate(features):
        line = {
            "linex_index": number,
            "features": [
                {"token": token, "layers": _by_layer(values, layers)}
                for token, values in zip(text.tokens, text.values, strict=True)
            ],
            "text_features": _by_layer(text.text_values, layers),
        }
        yield f"{json.dumps(line, ensure_ascii=False)}\n".encode()


def _by_layer(values: np.ndarray, layers: Sequence[int]) -> list[dict[str, Any]]:
    """Values [L, H] for JSON."""
    return [
        {"index": layer, "values": [round(value, _DECIMALS) for value in row]}
        for layer, row in zip(layers, values.tolist(), strict=True)
    ]


def to_npz(features: Iterable[TextFeatures], layers: Sequence[int]) -> bytes:
    """All texts as arrays; see bert_tf.extract_features."""
    texts = list(features)
    lengths = [len(text.tokens) for text in texts]
    content = io.BytesIO()
    np.savez(
        content,
        tokens=np.array([token for text in texts for token in text.tokens]),
        row_splits=np.cumsum([0, *lengths], dtype=np.int64),
        layers=np.array(layers, np.int64),
        token_features=np.concatenate([text.values for text in texts]),
        text_features=np.stack([text.text_values for text in texts]),
    )
    return content.getvalue()
