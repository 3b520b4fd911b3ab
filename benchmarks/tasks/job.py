"""What systems are told to do, and how they tell what came of it.

Systems run in processes of their own, in environments of their own: nothing but NumPy is
imported here.
"""

import dataclasses
import json
import pathlib
import sys
from typing import Any, Self

from bert_tf.config import FinetuneConfig, from_json, to_json

Figures = dict[str, float]


@dataclasses.dataclass(frozen=True)
class Job:
    """A fine-tuning, all settings of which hold for every system."""

    config: FinetuneConfig
    examples: str  # folder of examples.write, for systems that do not read our files
    output: str  # folder, empty at the start

    @classmethod
    def from_arguments(cls) -> Self:
        """The first argument of this program."""
        return from_json(cls, sys.argv[1])

    def to_json(self) -> str:
        """The argument for a program."""
        return to_json(self)

    def read_examples(self, split: str) -> list[dict[str, Any]]:
        """The examples of `train` or `eval`; see examples.py."""
        with pathlib.Path(self.examples, f"{split}.jsonl").open(
            encoding="utf-8"
        ) as lines:
            return [json.loads(line) for line in lines]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a job: after each epoch, figures, or answers that give them."""

    figures: list[Figures] = dataclasses.field(default_factory=list)
    answers: list[str] = dataclasses.field(default_factory=list)  # files, .jsonl

    def print(self) -> None:
        """As JSON, the last line of a system's output."""
        print(json.dumps(dataclasses.asdict(self)))
