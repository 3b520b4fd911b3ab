"""A number for two texts, such as how similar they are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import keras
import numpy as np
from scipy import stats

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.data.task_files.layouts import SCORED_PAIRS
from bert_tf.data.task_files.opening import wrong
from bert_tf.data.task_files.tables import read_table
from bert_tf.modeling.task_model import HeadConfig, TaskModel
from bert_tf.tasks.sequences import encode_sequences, num_cut
from bert_tf.tasks.sums import WeightedSums, squared_error_sums
from bert_tf.tasks.task import Answer, Batch, Example, Task


class PairRegression(Task):
    """A number for two texts; its error is squared.

    Answers: `score`, float32 [B].
    """

    inputs: ClassVar = {"text": 1, "text_pair": 1}
    main_metric = "spearman"
    has_labels = False
    target_name = "a score"

    @classmethod
    def read(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """Reads a table with a column `score`; see Task."""
        return [
            Example(
                {name: row.cells[name] for name in cls.inputs},
                _number(path, row.line, row.cells.get("score", row.cells.get("label"))),
                row.line,
            )
            for row in read_table(path, layouts=SCORED_PAIRS, columns=columns)
        ]

    def make_model(self, config: BertConfig, features: FeatureConfig) -> keras.Model:
        """See Task."""
        return TaskModel(config, HeadConfig("sequence_classifier", 1), features)

    def encode(self, examples: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
        """See Task; `score` is a scalar."""
        for example, row in encode_sequences(self, examples):
            yield row | {"score": np.float32(example.target)}

    def num_cut(self, examples: Sequence[Example]) -> int:
        """See Task."""
        return num_cut(self, examples)

    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """See Task."""
        return squared_error_sums(
            outputs["logits"][:, 0], batch["score"], batch["weight"]
        )

    def answer_ids(self, model: keras.Model, packed: Batch) -> Batch:
        """See Task; the answers that the class tells of."""
        return {"score": model(packed)["logits"][:, 0]}

    def metrics(
        self, answers: Sequence[Answer], examples: Sequence[Example]
    ) -> dict[str, float]:
        """Pearson's and Spearman's correlation; 0 where nothing varies."""
        expected = [example.target for example in examples]
        received = [answer["score"] for answer in answers]
        if len(set(expected)) < 2 or len(set(received)) < 2:
            return {"pearson": 0.0, "spearman": 0.0}
        return {
            "pearson": float(stats.pearsonr(expected, received).statistic),
            "spearman": float(stats.spearmanr(expected, received).statistic),
        }


def _number(path: str, line: int, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        raise wrong(
            path, line, f"expected a number as score, received {text!r}; mend it."
        )
    return number
