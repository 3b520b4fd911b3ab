"""Questions that a span of a context answers, if it has an answer."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
import transformers

from benchmarks.tasks.systems.transformers.batches import Row
from benchmarks.tasks.systems.transformers.peer_task import Answer, Example, PeerTask
from benchmarks.tasks.systems.transformers.spans import best_span

_MAX_ANSWER_TOKENS = 30
_NUM_SPECIAL = 3  # [CLS], and [SEP] twice


class QuestionAnswering(PeerTask):
    """The span of a context that answers a question; [CLS] stands for none."""

    model_class = transformers.AutoModelForQuestionAnswering

    def encode(self, examples: Sequence[Example]) -> list[Row]:
        """See PeerTask; a window a row."""
        rows = []
        for example in examples:
            context, target = example["inputs"]["context"], example["target"]
            if target["answers"] and not target["span"]:
                continue  # nobody knows where the answer is
            # Ours counts bytes, the tokenizer characters.
            start, end = (
                len(context.encode()[:place].decode())
                for place in target["span"] or (0, 0)
            )
            for window in self._windows(**example["inputs"]):
                first, last = window.tokens_of(start, end)
                rows.append(
                    window.row
                    | {
                        "start_positions": np.array(first),
                        "end_positions": np.array(last),
                    }
                )
        return rows

    def _windows(self, *, question: str, context: str) -> Iterator["_Window"]:
        length, stride = self.config.task.max_seq_length, self.config.task.doc_stride
        num_question_tokens = len(self.tokenizer.tokenize(question))
        capacity = length - _NUM_SPECIAL - num_question_tokens
        found = self.tokenizer(
            question,
            context,
            truncation="only_second",
            max_length=length,
            stride=max(capacity - stride, 0),  # tokens that two windows share
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        names = ("input_ids", "token_type_ids", "attention_mask")
        for number, offsets in enumerate(found["offset_mapping"]):
            is_context = [part == 1 for part in found.sequence_ids(number)]
            row = {name: np.array(found[name][number]) for name in names}
            yield _Window(row, np.array(is_context), np.array(offsets))

    def scores(self, output: transformers.utils.ModelOutput) -> torch.Tensor:
        """See PeerTask: of the first token and of the last."""
        return torch.stack([output.start_logits, output.end_logits], dim=-1)

    def answer(self, examples: Sequence[Example]) -> list[Answer]:
        """See PeerTask."""
        encoded = [list(self._windows(**each["inputs"])) for each in examples]
        rows = [window.row for of_one in encoded for window in of_one]
        logits = iter(self.predict(rows))
        return [
            _answer(
                example["inputs"]["context"],
                [(window, next(logits)) for window in of_one],
            )
            for example, of_one in zip(examples, encoded, strict=True)
        ]


class _Window(NamedTuple):
    """A question and a part of its context; S tokens."""

    row: Row
    is_context: np.ndarray  # bool [S]
    offsets: np.ndarray  # int [S, 2], first character in the context and the one after

    def tokens_of(self, start: int, end: int) -> tuple[int, int]:
        """The first and the last token of characters; 0 if not all are shown."""
        starts, ends = self.offsets.T
        (context,) = np.nonzero(self.is_context)
        (tokens,) = np.nonzero(self.is_context & (starts < end) & (ends > start))
        if not len(tokens) or starts[context[0]] > start or ends[context[-1]] < end:
            return 0, 0
        return int(tokens[0]), int(tokens[-1])


def _answer(context: str, scored: list[tuple[_Window, np.ndarray]]) -> Answer:
    """The best span of all windows, and the least score of none."""
    best, text = -np.inf, ""
    for window, logits_S2 in scored:
        start_S, end_S = logits_S2[: len(window.is_context)].T
        score, first, last = best_span(
            start_S, end_S, window.is_context, max_tokens=_MAX_ANSWER_TOKENS
        )
        if score > best:
            best = score
            text = context[window.offsets[first, 0] : window.offsets[last, 1]]
    null_score = min(float(logits_S2[0].sum()) for _, logits_S2 in scored)
    return {
        "answer": text if null_score <= best else "",
        "score": best,
        "null_score": null_score,
        "n_best": [{"answer": text}],
    }
