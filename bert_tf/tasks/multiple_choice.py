"""Which of several texts goes with a text: endings of a story, answers to a question.

Devlin et al. 2019, section 4.4. Each choice is packed with the text as a pair and given
a score; their softmax is over the choices of the example.

Shapes: B examples, C choices of one, S tokens of the longest pair.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.data.packing import pack_pair
from bert_tf.data.task_files.choices import read_questions
from bert_tf.modeling.task_model import HeadConfig, TaskModel
from bert_tf.tasks.sequences import count, raw_chunks
from bert_tf.tasks.sums import WeightedSums, classification_sums
from bert_tf.tasks.task import Answer, Batch, Example, Task

_CHUNK = 64  # examples that are tokenized together
_NUM_SPECIAL = 3  # [CLS], and [SEP] after each of a pair
# Added to what is no choice: its softmax is 0, and so is its gradient.
_NO_CHOICE = tf.float32.min / 2


class MultipleChoice(Task):
    """A choice between texts, in any number for each example.

    Answers: `choice`, int32 [B], `choice_text`, string [B], and `probabilities`, float32
    [B, C]. Empty strings among the choices fill up those with fewer, and have the
    probability 0.
    """

    inputs: ClassVar = {"text": 1, "choices": 2}
    main_metric = "accuracy"
    has_labels = False
    target_name = "the label of the right choice"

    @classmethod
    def read(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """See `read_questions`; a target is the number of the right choice."""
        return [
            Example(
                {"text": question.text, "choices": list(question.choices)},
                question.answer,
                question.line,
            )
            for question in read_questions(path, columns)
        ]

    def make_model(self, config: BertConfig, features: FeatureConfig) -> keras.Model:
        """See Task."""
        return TaskModel(config, HeadConfig("choice_scorer", 1), features)

    def encode(self, examples: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
        """See Task; sequences are [C, S], `label` is a scalar, the number of a choice."""
        pack = tf.function(self.pack, reduce_retracing=True)
        for chunk, inputs in raw_chunks(self, examples, size=_CHUNK):
            packed = {name: values.numpy() for name, values in pack(inputs).items()}
            for row, example in enumerate(chunk):
                num_choices = len(example.inputs["choices"])
                own = {name: each[row, :num_choices] for name, each in packed.items()}
                length = own["input_mask"].sum(axis=1).max()
                yield {name: each[:, :length].copy() for name, each in own.items()} | {
                    "label": np.int32(example.target),
                    "weight": np.float32(1),
                }

    def num_cut(self, examples: Sequence[Example]) -> int:
        """How many examples have a pair that is longer than the model may see."""

        def is_cut(inputs):
            first, second = self._tokenize(inputs)
            num_tokens = first.row_lengths() + second.row_lengths() + _NUM_SPECIAL
            is_long = num_tokens > self.config.max_seq_length
            is_long = tf.reshape(is_long, tf.shape(inputs["choices"]))
            return tf.reduce_any(is_long & (inputs["choices"] != ""), axis=1)

        return count(self, examples, is_cut, size=_CHUNK)

    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """See Task."""
        logits = _of_choices(outputs["logits"], _is_choice(batch))
        return classification_sums(logits, batch["label"], batch["weight"])

    def answer_ids(self, model: keras.Model, packed: Batch) -> Batch:
        """See Task; `choice` and `probabilities`."""
        is_choice = _is_choice(packed)
        logits = _of_choices(model(packed)["logits"], is_choice)
        # Only what is no choice has the probability 0: `to_plain` knows it by that.
        probabilities = tf.maximum(tf.nn.softmax(logits), np.finfo(np.float32).tiny)
        return {
            "choice": tf.argmax(logits, axis=1, output_type=tf.int32),
            "probabilities": tf.where(is_choice, probabilities, 0.0),
        }

    def answer(self, model: keras.Model, inputs: Batch) -> Batch:
        """See Task."""
        answer = super().answer(model, inputs)
        texts = tf.gather(inputs["choices"], answer["choice"], batch_dims=1)
        return answer | {"choice_text": texts}

    def to_plain(self, outputs: Mapping[str, np.ndarray], row: int) -> Answer:
        """As in `answer`, with as many `probabilities` as the example has choices."""
        answer = super().to_plain(outputs, row)
        probabilities = np.trim_zeros(outputs["probabilities"][row], trim="b")
        return answer | {"probabilities": probabilities.tolist()}

    def metrics(
        self, answers: Sequence[Answer], examples: Sequence[Example]
    ) -> dict[str, float]:
        """Accuracy."""
        is_right = [
            answer["choice"] == example.target
            for answer, example in zip(answers, examples, strict=True)
        ]
        return {"accuracy": float(np.mean(is_right))}

    def pack(self, inputs: Batch) -> Batch:
        """See Task; int32 [B, C, S], without tokens where a choice is empty."""
        packed = pack_pair(
            *self._tokenize(inputs),
            self.tokenizer.vocabulary,
            max_seq_length=self.config.max_seq_length,
        )
        num_examples, num_choices = tf.unstack(tf.shape(inputs["choices"]))
        packed = {
            name: tf.reshape(values, [num_examples, num_choices, tf.shape(values)[1]])
            for name, values in packed.items()
        }
        is_choice = tf.cast(inputs["choices"] != "", tf.int32)[:, :, tf.newaxis]
        return packed | {"input_mask": packed["input_mask"] * is_choice}

    def _tokenize(self, inputs: Batch) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """The text again for each choice, and the choices: int32 [B * C, (tokens)]."""
        choices = inputs["choices"]
        num_examples, num_choices = tf.unstack(tf.shape(choices))
        example = tf.repeat(tf.range(num_examples), num_choices)
        first = tf.gather(self.tokenizer.tokenize(inputs["text"]), example)
        return first, self.tokenizer.tokenize(tf.reshape(choices, [-1]))


def _is_choice(packed: Batch) -> tf.Tensor:
    """Bool [B, C]; what fills a batch up has no tokens, not even [CLS]."""
    return packed["input_mask"][:, :, 0] > 0


def _of_choices(logits: tf.Tensor, is_choice: tf.Tensor) -> tf.Tensor:
    """Logits [B, C] of a softmax over the choices alone, from [B, C, 1]."""
    return tf.where(is_choice, logits[:, :, 0], _NO_CHOICE)
