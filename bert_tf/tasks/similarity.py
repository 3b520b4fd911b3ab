"""How alike two texts mean, as the cosine of their vectors.

Vectors are made of one text each, so that those of a library of texts can be kept and
compared with that of a question. They need no training where the encoder was made for
it, and are trained as in Reimers and Gurevych 2019, section 3: by the squared difference
of the cosine and the score.
"""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.data.packing import ENCODER_INPUTS, pack_single
from bert_tf.modeling.sentence_model import SentenceModel
from bert_tf.tasks.regression import PairRegression
from bert_tf.tasks.sequences import encode_sequences, num_cut
from bert_tf.tasks.sums import WeightedSums, squared_error_sums
from bert_tf.tasks.task import Batch, Example


class Similarity(PairRegression):
    """The cosine of the vectors of two texts.

    Answers: `score`, float32 [B], -1 to 1.
    """

    def make_model(self, config: BertConfig, features: FeatureConfig) -> keras.Model:
        """See Task; a vector is the mean of what is chosen of the encoder."""
        return SentenceModel(config, features)

    def encode(self, examples: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
        """See Task; arrays are [2, S], and `score` is in 0 to 1."""
        highest = max(abs(example.target) for example in examples) or 1.0
        rows = encode_sequences(self, self._texts(examples))
        for example, (_, first), (_, second) in zip(examples, rows, rows, strict=True):
            yield {
                name: _stacked(first[name], second[name]) for name in ENCODER_INPUTS
            } | {
                "score": np.float32(example.target / highest),
                "weight": np.float32(1),
            }

    def num_cut(self, examples: Sequence[Example]) -> int:
        """See Task; of the texts, of which each example has two."""
        return num_cut(self, self._texts(examples))

    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """See Task."""
        return squared_error_sums(
            _cosine(*tf.unstack(outputs["embeddings"], num=2, axis=1)),
            batch["score"],
            batch["weight"],
        )

    def pack(self, inputs: Batch) -> Batch:
        """See Task; each text is a sequence of its own: int32 [B, 2, S]."""
        texts = tf.stack([inputs[name] for name in self.inputs], axis=1)
        packed = pack_single(
            self.tokenizer.tokenize(tf.reshape(texts, [-1])),
            self.tokenizer.vocabulary,
            max_seq_length=self.config.max_seq_length,
        )
        shape = tf.concat([tf.shape(texts), tf.shape(packed["input_mask"])[1:]], axis=0)
        return {name: tf.reshape(ids, shape) for name, ids in packed.items()}

    def answer_ids(self, model: keras.Model, packed: Batch) -> Batch:
        """See Task; the answers that the class tells of."""
        embeddings = model(packed)["embeddings"]
        return {"score": _cosine(*tf.unstack(embeddings, num=2, axis=1))}

    def _texts(self, examples: Sequence[Example]) -> list[Example]:
        """The texts of pairs, each as an example."""
        return [
            Example({"text": example.inputs[name]})
            for example in examples
            for name in self.inputs
        ]


def _cosine(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Of vectors of length 1, [B, H] each."""
    return tf.reduce_sum(first * second, axis=-1)


def _stacked(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two sequences as rows, the shorter filled up with zeros, as its mask is."""
    stacked = np.zeros([2, max(len(first), len(second))], first.dtype)
    stacked[0, : len(first)] = first
    stacked[1, : len(second)] = second
    return stacked
