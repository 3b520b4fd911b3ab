"""Labels of words, and sentences that sum an article up: a class for some tokens."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import transformers

from benchmarks.tasks.systems.transformers.batches import IGNORED, Row
from benchmarks.tasks.systems.transformers.peer_task import Answer, Example, PeerTask
from benchmarks.tasks.systems.transformers.spans import windows, with_most_context

_NUM_SENTENCES = 3  # of a summary
_MAX_PIECES = 64  # of a sentence


class Tagging(PeerTask):
    """A label for each word, read off its first piece."""

    model_class = transformers.AutoModelForTokenClassification

    def make_model(self):
        """See PeerTask."""
        return self.model_class.from_pretrained(
            self.config.init_checkpoint, num_labels=len(self.config.task.labels)
        )

    def encode(self, examples: Sequence[Example]) -> list[Row]:
        """See PeerTask."""
        ids = {label: number for number, label in enumerate(self.config.task.labels)}
        rows = []
        for example in examples:
            words, target = example["inputs"]["words"], example["target"]
            row, first = self._encode(words)
            labels = np.full(row["input_ids"].shape, IGNORED)
            for word, position in first.items():
                labels[position] = ids[target[word]]
            rows.append(row | {"labels": labels})
        return rows

    def _encode(self, words: list[str]) -> tuple[Row, dict[int, int]]:
        """A row, and where the words that have any piece in it begin."""
        found = self.tokenizer(
            words,
            is_split_into_words=True,
            truncation=True,
            max_length=self.config.task.max_seq_length,
        )
        first: dict[int, int] = {}
        for position, word in enumerate(found.word_ids()):
            if word is not None:
                first.setdefault(word, position)
        return {name: np.array(values) for name, values in found.items()}, first

    def answer(self, examples: Sequence[Example]) -> list[Answer]:
        """See PeerTask; a word that is not seen has the last label, such as O."""
        labels = self.config.task.labels
        encoded = [self._encode(each["inputs"]["words"]) for each in examples]
        answers = []
        for example, (_, first), logits in zip(
            examples, encoded, self.predict([row for row, _ in encoded]), strict=True
        ):
            of_words = [labels[-1]] * len(example["inputs"]["words"])
            for word, position in first.items():
                of_words[word] = labels[logits[position].argmax()]
            answers.append({"labels": of_words})
        return answers


class Summarisation(PeerTask):
    """Sentences that are to be in a summary, read off the [CLS] before each."""

    model_class = transformers.AutoModelForTokenClassification

    def encode(self, examples: Sequence[Example]) -> list[Row]:
        """See PeerTask; a window a row."""
        rows = []
        for example in examples:
            for window in self._windows(example["inputs"]["sentences"]):
                labels = np.full(window.row["input_ids"].shape, IGNORED)
                for sentence, position in window.judged.items():
                    labels[position] = example["target"][sentence]
                if window.judged:
                    rows.append(window.row | {"labels": labels})
        return rows

    def _windows(self, sentences: list[str]) -> Iterator["_Window"]:
        """Sentences in frames, one after the other, their types alternating."""
        pieces = self.tokenizer(
            sentences, add_special_tokens=False, truncation=True, max_length=_MAX_PIECES
        )["input_ids"]
        cls_id, sep_id = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        framed = [[cls_id, *of_one, sep_id] for of_one in pieces]
        ids = np.concatenate(framed)
        types = np.repeat(np.arange(len(framed)) % 2, list(map(len, framed)))
        first = np.cumsum([0, *map(len, framed[:-1])])
        length, stride = self.config.task.max_seq_length, self.config.task.doc_stride
        seen = windows(len(ids), length, stride)
        judge = [with_most_context(token, seen) for token in first]
        for number, (start, end) in enumerate(seen):
            row = {"input_ids": ids[start:end], "token_type_ids": types[start:end]}
            yield _Window(
                row | {"attention_mask": np.ones(end - start, int)},
                {
                    sentence: int(first[sentence]) - start
                    for sentence in range(len(sentences))
                    if judge[sentence] == number
                },
            )

    def answer(self, examples: Sequence[Example]) -> list[Answer]:
        """See PeerTask."""
        texts = [each["inputs"]["sentences"] for each in examples]
        encoded = [list(self._windows(sentences)) for sentences in texts]
        rows = [window.row for of_one in encoded for window in of_one]
        logits = iter(self.predict(rows))
        answers = []
        for sentences, of_one in zip(texts, encoded, strict=True):
            scores = np.zeros(len(sentences))
            for window in of_one:
                margins = np.diff(next(logits))[:, 0]
                for sentence, position in window.judged.items():
                    scores[sentence] = margins[position]
            best = sorted(np.argsort(-scores, kind="stable")[:_NUM_SENTENCES])
            answers.append({"summary": "\n".join(sentences[each] for each in best)})
        return answers


class _Window(NamedTuple):
    """A part of an article."""

    row: Row
    judged: dict[int, int]  # from sentences that are judged in it to their [CLS]
