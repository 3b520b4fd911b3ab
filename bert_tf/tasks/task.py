"""What fine-tuning, evaluation, prediction and export know of a task.

A task reads its files, makes its model, turns raw text into the model's inputs and its
outputs into answers. The last two are computed in TensorFlow's graph by one function,
`answer`, which evaluation, `bert_tf.predict` and the exported model share: what is
measured is what is served, but for `raw_inputs` that are not `inputs`.
"""

import abc
import collections
import dataclasses
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from bert_tf.config import BertConfig, FeatureConfig, TaskConfig
from bert_tf.data.task_files.opening import wrong
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.errors import UserError
from bert_tf.tasks.batches import to_plain
from bert_tf.tasks.sequences import pack_texts
from bert_tf.tasks.sums import WeightedSums

Batch = dict[str, tf.Tensor]
Answer = dict[str, Any]  # of one example, in Python's types


@dataclasses.dataclass(frozen=True)
class Example:
    """One example of a file.

    Attributes:
        inputs: what the model is given, by the names of `Task.inputs`.
        target: what it should answer, in the form that the task's metrics know; None
            where nobody has said.
        line: of the file, to tell of it.
        label_lines: of the file, of each of the target's labels, where these are on
            lines of their own. No part of what an example is.
    """

    inputs: Mapping[str, Any]
    target: Any = None
    line: int = 0
    label_lines: Sequence[int] = dataclasses.field(default=(), repr=False, compare=False)


class Task(abc.ABC):
    """A task with its labels and its tokenizer.

    Args:
        config: of the task.
        tokenizer: of the model's vocabulary.
    """

    # Names of the inputs, each a string tensor whose first axis is the batch, to ranks.
    inputs: ClassVar[Mapping[str, int]]
    # Which of `metrics` tells the best epoch; higher is better.
    main_metric: str
    has_labels: ClassVar[bool] = True
    # What an example has to have to be trained or evaluated on; "" where nothing.
    target_name: ClassVar[str] = "a label"
    # Whether .jsonl is among its files.
    reads_objects: ClassVar[bool] = True
    # Whether texts longer than the model are seen whole, a window at a time.
    has_windows: ClassVar[bool] = False
    # Heads that are not trained here, and must be in the checkpoint.
    required_heads: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: TaskConfig, tokenizer: BertTokenizer):
        self.config = config
        self.tokenizer = tokenizer
        self.class_weights: dict[str, float] = {}  # in training; 1 for others

    # --- Files -----------------------------------------------------------------------

    @classmethod
    @abc.abstractmethod
    def read(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """Reads a file of examples.

        Args:
            path: of the file.
            columns: see `bert_tf.data.task_files.tables.read_table`; of tables alone.

        Raises:
            UserError: naming the line that is wrong.
        """

    @classmethod
    def read_labelled(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """Reads a file of examples to train or to evaluate on; see `read`.

        Raises:
            UserError: there are none, or one has no target, also.
        """
        examples = cls.read(path, columns)
        if not examples:
            raise UserError(f"{path}: expected examples, received none; check the file.")
        for example in examples if cls.target_name else ():
            if example.target is None:
                raise wrong(
                    path,
                    example.line,
                    f"expected {cls.target_name}, received none; add it, or tell where "
                    "it is (--columns).",
                )
        return examples

    def are_examples(self, lines: Sequence[str]) -> bool:
        """Whether a file is one of the task's own, rather than one of texts to answer.

        Args:
            lines: its first ones that are not blank, one or more. They are no objects.
        """
        del lines
        return False

    @classmethod
    def labels_of(cls, examples: Sequence[Example]) -> tuple[str, ...]:
        """The labels of a file, sorted; numbers by their values."""
        labels = {label for example in examples for label in cls.target_labels(example)}
        is_numeric = all(map(str.isdecimal, labels))
        return tuple(sorted(sorted(labels), key=int if is_numeric else None))

    @classmethod
    def target_labels(cls, example: Example) -> Iterable[str]:
        """The labels in an example's target."""
        return [example.target]

    @property
    def known_labels(self) -> Collection[str]:
        """Those that targets may have."""
        return set(self.config.labels)

    def balance_classes(self, examples: Sequence[Example]) -> None:
        """Gives each class the same weight in all, and examples 1 on average."""
        counts = collections.Counter(
            label for example in examples for label in self.target_labels(example)
        )
        self.class_weights = {
            label: counts.total() / (len(counts) * count)
            for label, count in counts.items()
        }

    def check(self, examples: Sequence[Example], path: str) -> None:
        """Looks at examples before a model does.

        Says how many of them are cut.

        Raises:
            UserError: naming the line of a label that the model does not have.
        """
        known = self.known_labels
        for example in examples:
            labels = self.target_labels(example) if self.has_labels else ()
            lines = example.label_lines or itertools.repeat(example.line)
            for label, line in zip(labels, lines, strict=False):
                if label not in known:
                    raise wrong(
                        path,
                        line,
                        f"expected one of the labels {', '.join(self.config.labels)}, "
                        f"received {label!r}; mend the line, or train with this label.",
                    )
        self.tell_of_cut(path, self.num_cut(examples), len(examples))

    def tell_of_cut(self, path: str, num_cut: int, num_examples: int) -> None:
        """Warns of examples of a file that are longer than the model may see."""
        if num_cut:
            logging.warning(
                "%s: %d of %d examples are longer than max_seq_length=%d allows; the "
                "rest of them is not seen.",
                path,
                num_cut,
                num_examples,
                self.config.max_seq_length,
            )

    # --- The model -------------------------------------------------------------------

    @abc.abstractmethod
    def make_model(self, config: BertConfig, features: FeatureConfig) -> keras.Model:
        """A model with an encoder `bert`, its head at random."""

    def warm_start(self, weights: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """What the model begins with, of a pretrained one's weights by our paths."""
        return weights

    @abc.abstractmethod
    def encode(self, examples: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
        """What the model is trained on: for each example one dictionary or several.

        Arrays have no padding. `input_word_ids`, `input_mask` and `input_type_ids` are
        among them, and what `weighted_sums` needs.
        """

    def loss_weights(self, batch: Batch) -> dict[str, tf.Tensor]:
        """See bert_tf.training.trainer.Objective; here of rows with one loss each."""
        return {"loss": tf.reduce_sum(batch["weight"])}

    @abc.abstractmethod
    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """See bert_tf.training.trainer.Objective."""

    # --- Answers ---------------------------------------------------------------------

    def pack(self, inputs: Batch) -> Batch:
        """The encoder's inputs to raw text; what is beyond the model's length is cut off.

        Args:
            inputs: by the names of `raw_inputs`.

        Returns:
            int32 [B, S] each, or [B, C, S] where an answer takes C sequences.
        """
        return pack_texts(self, inputs)

    @abc.abstractmethod
    def answer_ids(self, model: keras.Model, packed: Batch) -> Batch:
        """What the model says of the encoder's inputs, in the graph.

        Args:
            model: what `make_model` made.
            packed: in the form that `pack` gives.

        Returns:
            Tensors whose first axis is the batch.
        """

    def answer(self, model: keras.Model, inputs: Batch) -> Batch:
        """From raw text to finished answers, in the graph.

        Args:
            model: what `make_model` made.
            inputs: by the names of `inputs`.

        Returns:
            Tensors whose first axis is the batch.
        """
        return self.answer_ids(model, self.pack(inputs))

    @property
    def raw_inputs(self) -> Mapping[str, int]:
        """What people and servers give; of `inputs` where files have no more."""
        return self.inputs

    def answer_raw(self, model: keras.Model, inputs: Batch) -> Batch:
        """`answer` to `raw_inputs`."""
        return self.answer(model, inputs)

    @property
    def options(self) -> Mapping[str, Any]:
        """What answers depend on beside `config` and the weights, in Python's types."""
        return {}

    def to_plain(self, outputs: Mapping[str, np.ndarray], row: int) -> Answer:
        """One answer for people and programs: what is padding is left out."""
        return {name: to_plain(values[row]) for name, values in outputs.items()}

    @abc.abstractmethod
    def metrics(
        self, answers: Sequence[Answer], examples: Sequence[Example]
    ) -> dict[str, float]:
        """How good answers are.

        Args:
            answers: what `to_plain` made, in the order of the examples.
            examples: with their targets.
        """

    def calibrate(self, results: Mapping[str, Any]) -> None:
        """Takes over what the evaluation of the best epoch has found to be best."""
        del results

    def num_cut(self, examples: Sequence[Example]) -> int:
        """How many examples have a part that the model does not see the end of.

        What it sees through windows, it sees whole.
        """
        del examples
        return 0
