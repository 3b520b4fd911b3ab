"""Words for masks, and how well a masked language model knows a text.

Shapes: B texts, S tokens of the longest, M masks of the text with the most, K words for
a mask.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.data.packing import pack_single
from bert_tf.data.task_files.opening import read_lines
from bert_tf.data.task_files.tables import refuse_columns
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.errors import UserError
from bert_tf.modeling.models import BertPretrainer
from bert_tf.tasks.sequences import num_cut, pack_texts
from bert_tf.tasks.sums import WeightedSums
from bert_tf.tasks.task import Answer, Batch, Example, Task

MASK = "[MASK]"
MASKED_LM_PROB = 0.15
_BUCKETS = 1 << 20  # of the digests that choose what is masked


class FillMask(Task):
    """Fills masks in; evaluated on masks that digests of the text choose.

    Answers to text with "[MASK]" in it: `tokens`, string [B, M, K], and `probabilities`,
    float32 [B, M, K], the likeliest first; rows with fewer masks than M are filled up
    with "" and 0; and `num_masks`, int32 [B].

    In evaluation: `num_masked`, `num_right` and `loss`, the sum of their negative log
    probabilities in nats, float32 [B] each.

    Attributes:
        top_k: words for a mask, K.
    """

    inputs: ClassVar = {"text": 1}
    main_metric = "accuracy"
    has_labels = False
    target_name = ""
    reads_objects = False
    required_heads = ("masked_lm",)
    top_k: int = 5

    @property
    def options(self) -> Mapping[str, Any]:
        """See Task."""
        return {"top_k": self.top_k}

    @classmethod
    def read(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """Reads a text a line; blank lines are left out."""
        refuse_columns(columns, "a text a line")
        examples = [
            Example({"text": line}, line=number)
            for number, line in read_lines(path)
            if line.strip()
        ]
        if not examples:
            raise UserError(f"{path}: expected a text a line, received an empty file.")
        return examples

    def make_model(self, config: BertConfig, features: FeatureConfig) -> keras.Model:
        """See Task."""
        del features
        return BertPretrainer(config)

    def encode(self, examples: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
        """Raises UserError: this is what pretraining is for."""
        raise UserError(
            "fill_mask: expected a model to evaluate (num_epochs=0), received one to "
            "train; train it with bert_tf.pretrain."
        )

    def num_cut(self, examples: Sequence[Example]) -> int:
        """See Task."""
        return num_cut(self, examples)

    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """Not trained; see `encode`."""
        raise NotImplementedError

    def answer(self, model: keras.Model, inputs: Batch) -> Batch:
        """See the class."""
        packed = pack_texts(self, inputs)
        ids, vocabulary = packed["input_word_ids"], self.tokenizer.vocabulary
        is_masked = _choose(inputs["text"], packed["input_mask"])
        positions = tf.ragged.boolean_mask(
            tf.tile(tf.range(tf.shape(ids)[1])[tf.newaxis], [tf.shape(ids)[0], 1]),
            is_masked,
        ).to_tensor()
        weights = tf.sequence_mask(
            tf.reduce_sum(tf.cast(is_masked, tf.int32), axis=1),
            tf.shape(positions)[1],
            tf.float32,
        )
        labels = tf.gather(ids, positions, batch_dims=1)
        packed["input_word_ids"] = tf.where(is_masked, vocabulary.mask_id, ids)
        logits = model(packed | {"masked_lm_positions": positions})["masked_lm_logits"]
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        is_right = tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), labels)
        return {
            "num_masked": tf.reduce_sum(weights, axis=1),
            "num_right": tf.reduce_sum(tf.cast(is_right, tf.float32) * weights, axis=1),
            "loss": tf.reduce_sum(loss * weights, axis=1),
        }

    def pack(self, inputs: Batch) -> Batch:
        """See Task; each "[MASK]" is one token."""
        return pack_single(
            _tokenize_around_masks(inputs["text"], self.tokenizer),
            self.tokenizer.vocabulary,
            max_seq_length=self.config.max_seq_length,
        )

    def answer_ids(self, model: keras.Model, packed: Batch) -> Batch:
        """See Task; the answers that the class tells of."""
        vocabulary = self.tokenizer.vocabulary
        positions = _positions_of(vocabulary.mask_id, packed["input_word_ids"])
        outputs = model(packed | {"masked_lm_positions": positions.to_tensor()})
        probabilities, indices = tf.math.top_k(
            tf.nn.softmax(outputs["masked_lm_logits"]), k=self.top_k
        )
        num_masks = tf.cast(positions.row_lengths(), tf.int32)
        is_mask = tf.sequence_mask(num_masks, tf.shape(indices)[1])[:, :, tf.newaxis]
        tokens = tf.gather(tf.constant(vocabulary.tokens), indices)
        return {
            "tokens": tf.where(is_mask, tokens, ""),
            "probabilities": tf.where(is_mask, probabilities, 0.0),
            "num_masks": num_masks,
        }

    def answer_raw(self, model: keras.Model, inputs: Batch) -> Batch:
        """See the class."""
        return self.answer_ids(model, self.pack(inputs))

    def to_plain(self, outputs: Mapping[str, np.ndarray], row: int) -> Answer:
        """For raw text `masks`, for each its words with their probabilities."""
        answer = super().to_plain(outputs, row)
        if "tokens" not in answer:
            return answer
        pairs = zip(answer["tokens"], answer["probabilities"], strict=True)
        masks = [list(zip(*pair, strict=True)) for pair in pairs]
        return {"masks": masks[: answer["num_masks"]]}

    def metrics(
        self, answers: Sequence[Answer], examples: Sequence[Example]
    ) -> dict[str, float]:
        """Of all masked tokens together: accuracy and perplexity."""
        num_masked, num_right, loss = (
            sum(answer[name] for answer in answers)
            for name in ("num_masked", "num_right", "loss")
        )
        if not num_masked:
            raise UserError("Expected texts with tokens to mask, received none.")
        return {
            "accuracy": num_right / num_masked,
            "perplexity": float(np.exp(min(loss / num_masked, 700.0))),
        }


def _choose(text: tf.Tensor, mask_BS: tf.Tensor) -> tf.Tensor:
    """What is to be masked: bool [B, S], the same whatever stands beside a text."""
    positions = tf.range(tf.shape(mask_BS, out_type=tf.int64)[1])
    digests = tf.strings.to_hash_bucket_fast(text, 1 << 40)[:, tf.newaxis]
    keys = tf.strings.as_string(digests * _BUCKETS + positions)
    buckets = tf.strings.to_hash_bucket_fast(keys, _BUCKETS)
    is_last = tf.pad(mask_BS[:, 1:], [[0, 0], [0, 1]]) < mask_BS  # [SEP]
    is_special = is_last | (positions == 0)
    is_chosen = buckets < round(MASKED_LM_PROB * _BUCKETS)
    return is_chosen & (mask_BS > 0) & ~is_special


def _tokenize_around_masks(text: tf.Tensor, tokenizer: BertTokenizer) -> tf.RaggedTensor:
    """Ids of texts [B] in which every "[MASK]" is one token: int32 [B, (tokens)]."""
    parts = tf.strings.split(text, sep=MASK)
    ids = tokenizer.tokenize(parts.flat_values)
    # Every part but a text's last has a mask behind it.
    is_last = tf.scatter_nd(
        parts.row_splits[1:, tf.newaxis] - 1,
        tf.ones_like(parts.row_splits[1:]),
        tf.shape(ids.row_lengths(), out_type=tf.int64),
    )
    num_masks = 1 - is_last
    masks = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.reduce_sum(num_masks)], tokenizer.vocabulary.mask_id), num_masks
    )
    return parts.with_values(tf.concat([ids, masks], axis=1)).merge_dims(1, 2)


def _positions_of(token_id: int, word_ids: tf.Tensor) -> tf.RaggedTensor:
    """Where `token_id` stands in word_ids [B, S]: int64 [B, (positions)]."""
    found = tf.where(tf.equal(word_ids, token_id))
    return tf.RaggedTensor.from_value_rowids(
        found[:, 1], found[:, 0], nrows=tf.shape(word_ids, out_type=tf.int64)[0]
    )
