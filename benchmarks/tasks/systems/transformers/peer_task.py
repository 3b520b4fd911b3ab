"""What the training loop knows of a task."""

import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
import transformers

from benchmarks.tasks.systems.transformers.batches import Row, stack
from bert_tf.config import FinetuneConfig

Example = Mapping[str, Any]  # inputs and target; see benchmarks/tasks/examples.py
Answer = dict[str, Any]  # what our task's `to_plain` gives, as far as metrics need it

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class PeerTask(abc.ABC):
    """A task, and a model for it.

    Args:
        config: of the fine-tuning.
        tokenizer: of the BERT.
    """

    model_class: ClassVar[type]

    def __init__(
        self, config: FinetuneConfig, tokenizer: transformers.PreTrainedTokenizerBase
    ):
        self.config = config
        self.tokenizer = tokenizer
        self.model = self.make_model()

    def make_model(self) -> transformers.PreTrainedModel:
        """The library's own, its head at random."""
        return self.model_class.from_pretrained(self.config.init_checkpoint)

    @abc.abstractmethod
    def encode(self, examples: Sequence[Example]) -> list[Row]:
        """What the model is trained on and answers to: its arguments, without padding."""

    @abc.abstractmethod
    def answer(self, examples: Sequence[Example]) -> list[Answer]:
        """The model's answers, in the order of the examples."""

    def tokenize(self, *texts: Any, **options: Any) -> list[Row]:
        """Frames texts, or pairs of them, and cuts them to the longest sequence."""
        found = self.tokenizer(
            *texts,
            truncation=True,
            max_length=self.config.task.max_seq_length,
            **options,
        )
        return [
            {name: np.array(values[row]) for name, values in found.items()}
            for row in range(len(found["input_ids"]))
        ]

    def collate(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """A batch."""
        stacked = stack(rows, pad_id=self.tokenizer.pad_token_id)
        return {name: torch.from_numpy(values) for name, values in stacked.items()}

    def precision(self) -> torch.autocast:
        """Within it, products of matrices are of the type that was asked for."""
        is_mixed = self.config.model.dtype_policy == "mixed_bfloat16"
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_mixed)

    @torch.no_grad()
    def predict(self, rows: Sequence[Row]) -> list[np.ndarray]:
        """The model's scores for each row, those of padding among them."""
        found: list[np.ndarray] = []
        for batch in self.batches(rows):
            with self.precision():
                output = self.model(**batch)
            found.extend(self.scores(output).float().numpy())
        return found

    def batches(self, rows: Sequence[Row]) -> Iterator[dict[str, torch.Tensor]]:
        """Of all rows in their order, without labels."""
        size = self.config.eval_batch_size
        for start in range(0, len(rows), size):
            batch = self.collate(rows[start : start + size])
            yield {name: batch[name] for name in _INPUTS if name in batch}

    def scores(self, output: transformers.utils.ModelOutput) -> torch.Tensor:
        """What of the model's output tells the answers."""
        return output.logits
