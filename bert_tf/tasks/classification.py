"""Classes of texts and of pairs of texts: sentiment, spam, inference, paraphrase.

Devlin et al. 2019, section 4.1. A class's probability is the softmax of a dense layer on
the pooled output.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from sklearn import metrics as sklearn_metrics

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.data.task_files.layouts import PAIRS, TEXTS
from bert_tf.data.task_files.tables import NO_LABEL, Layout, read_table
from bert_tf.errors import UserError
from bert_tf.modeling.task_model import HeadConfig, TaskModel
from bert_tf.tasks.sequences import encode_sequences, num_cut
from bert_tf.tasks.sums import WeightedSums, classification_sums
from bert_tf.tasks.task import Answer, Batch, Example, Task


class Classification(Task):
    """A class of a text.

    Answers: `label`, string [B], and `probabilities`, float32 [B, O] in the order of
    `labels`, string [B, O].
    """

    inputs: ClassVar = {"text": 1}
    main_metric = "accuracy"
    layouts: tuple[Layout, ...] = TEXTS

    @classmethod
    def read(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """Reads a table; see Task."""
        return [
            Example(
                {name: row.cells[name] for name in cls.inputs},
                row.cells.get("label"),
                row.line,
            )
            for row in read_table(path, layouts=cls.layouts, columns=columns)
        ]

    @classmethod
    def read_labelled(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """See Task. Examples whose label says that there is none are left out."""
        examples = super().read_labelled(path, columns)
        agreed = [example for example in examples if example.target != NO_LABEL]
        if not agreed:
            raise UserError(
                f"{path}: expected examples with labels, received only such whose label "
                "says that there is none; check the file."
            )
        if len(agreed) < len(examples):
            logging.warning(
                "%s: left out %d examples whose label says that there is none.",
                path,
                len(examples) - len(agreed),
            )
        return agreed

    def are_examples(self, lines: Sequence[str]) -> bool:
        """See Task; one of their columns is a label. The first may be a header."""
        return all(
            "\t" in line and not set(line.split("\t")).isdisjoint(self.config.labels)
            for line in lines[1:] or lines
        )

    def make_model(self, config: BertConfig, features: FeatureConfig) -> keras.Model:
        """See Task."""
        head = HeadConfig("sequence_classifier", len(self.config.labels))
        return TaskModel(config, head, features)

    def encode(self, examples: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
        """See Task; `label` is a scalar."""
        ids = {label: number for number, label in enumerate(self.config.labels)}
        for example, row in encode_sequences(self, examples):
            weight = self.class_weights.get(example.target, 1.0)
            yield row | {
                "label": np.int32(ids[example.target]),
                "weight": np.float32(weight),
            }

    def num_cut(self, examples: Sequence[Example]) -> int:
        """See Task."""
        return num_cut(self, examples)

    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """See Task."""
        return classification_sums(outputs["logits"], batch["label"], batch["weight"])

    def answer_ids(self, model: keras.Model, packed: Batch) -> Batch:
        """See Task; the answers that the class tells of."""
        logits = model(packed)["logits"]
        labels = tf.constant(self.config.labels)
        return {
            "label": tf.gather(labels, tf.argmax(logits, axis=-1)),
            "probabilities": tf.nn.softmax(logits),
            "labels": tf.tile(labels[tf.newaxis], [tf.shape(logits)[0], 1]),
        }

    def to_plain(self, outputs: Mapping[str, np.ndarray], row: int) -> Answer:
        """`label`, and `probabilities` by label."""
        answer = super().to_plain(outputs, row)
        probabilities = zip(answer["labels"], answer["probabilities"], strict=True)
        return {"label": answer["label"], "probabilities": dict(probabilities)}

    def metrics(
        self, answers: Sequence[Answer], examples: Sequence[Example]
    ) -> dict[str, float]:
        """Accuracy, F1 and Matthews' correlation.

        F1 is that of the last label if there are two, such as 1 or spam, else the mean
        over the classes (macro).
        """
        labels = list(self.config.labels)
        expected = [example.target for example in examples]
        received = [answer["label"] for answer in answers]
        is_binary = len(labels) == 2
        f1 = functools.partial(
            sklearn_metrics.f1_score, expected, received, zero_division=0
        )
        return {
            "accuracy": float(sklearn_metrics.accuracy_score(expected, received)),
            "f1": float(
                f1(pos_label=labels[-1])
                if is_binary
                else f1(labels=labels, average="macro")
            ),
            "matthews": float(sklearn_metrics.matthews_corrcoef(expected, received)),
        }


class PairClassification(Classification):
    """A class of two texts."""

    inputs: ClassVar = {"text": 1, "text_pair": 1}
    layouts = PAIRS
