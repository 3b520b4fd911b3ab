"""Classes, numbers and choices: tasks with an answer for a whole sequence."""

from collections.abc import Sequence

import numpy as np
import transformers

from benchmarks.tasks.systems.transformers.batches import Row
from benchmarks.tasks.systems.transformers.peer_task import Answer, Example, PeerTask


class Classification(PeerTask):
    """A class of a text or of a pair of texts."""

    model_class = transformers.AutoModelForSequenceClassification

    def make_model(self):
        """See PeerTask."""
        return self.model_class.from_pretrained(
            self.config.init_checkpoint, num_labels=len(self.config.task.labels)
        )

    def encode(self, examples: Sequence[Example]) -> list[Row]:
        """See PeerTask."""
        names = [name for name in ("text", "text_pair") if name in examples[0]["inputs"]]
        texts = ([each["inputs"][name] for each in examples] for name in names)
        return [
            row | {"labels": self.label(each["target"])}
            for row, each in zip(self.tokenize(*texts), examples, strict=True)
        ]

    def label(self, target: str) -> np.ndarray:
        """What the model knows a target as."""
        return np.array(self.config.task.labels.index(target))

    def answer(self, examples: Sequence[Example]) -> list[Answer]:
        """See PeerTask."""
        labels = self.config.task.labels
        return [
            {"label": labels[logits.argmax()]}
            for logits in self.predict(self.encode(examples))
        ]


class Regression(Classification):
    """A number for a pair of texts; its error is squared."""

    def make_model(self):
        """See PeerTask."""
        return self.model_class.from_pretrained(
            self.config.init_checkpoint, num_labels=1, problem_type="regression"
        )

    def label(self, target: float) -> np.ndarray:
        """See Classification."""
        return np.array(target, np.float32)

    def answer(self, examples: Sequence[Example]) -> list[Answer]:
        """See PeerTask."""
        rows = self.encode(examples)
        return [{"score": float(logits[0])} for logits in self.predict(rows)]


class MultipleChoice(PeerTask):
    """A choice between texts, of which each example has as many."""

    model_class = transformers.AutoModelForMultipleChoice

    def encode(self, examples: Sequence[Example]) -> list[Row]:
        """See PeerTask."""
        return [
            self._encode(**each["inputs"], target=each["target"]) for each in examples
        ]

    def _encode(self, *, text: str, choices: list[str], target: int) -> Row:
        pairs = self.tokenize([text] * len(choices), choices, padding=True)
        row = {name: np.stack([pair[name] for pair in pairs]) for name in pairs[0]}
        return row | {"labels": np.array(target)}

    def answer(self, examples: Sequence[Example]) -> list[Answer]:
        """See PeerTask."""
        rows = self.encode(examples)
        return [{"choice": int(logits.argmax())} for logits in self.predict(rows)]
