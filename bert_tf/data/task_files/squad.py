"""Questions on texts, as SQuAD 1.1 and 2.0 write them (Rajpurkar et al. 2016, 2018)."""

import dataclasses
import types
from collections.abc import Iterator
from typing import Any

from absl import logging

from bert_tf.data.task_files.opening import parse_json, read_text
from bert_tf.errors import UserError

_KINDS = {
    str: "a string",
    list: "a list",
    dict: "an object",
    int: "a whole number",
    str | int: "a string or a whole number",
}


@dataclasses.dataclass(frozen=True)
class GoldAnswers:
    """What people answered to one question.

    Attributes:
        id: of the question.
        answers: each of them is right; none where the context has no answer, None where
            nobody has answered.
        span: first byte of an answer in the UTF-8 of the context, and the byte after its
            last; None without answers, or where their texts are nowhere.
    """

    id: str
    answers: tuple[str, ...] | None = ()
    span: tuple[int, int] | None = None

    @property
    def is_trainable(self) -> bool:
        """Whether it is known what is right: where the answer is, or that none is."""
        return self.span is not None or self.answers == ()


@dataclasses.dataclass(frozen=True)
class Question:
    """One question on a context."""

    question: str
    context: str
    gold: GoldAnswers


def read_squad(path: str) -> list[Question]:
    """Reads the questions of a file.

    Offsets of answers count characters in the file and bytes here. The first answer at
    its offset is taken or, if there is none, of the first that is anywhere the nearest
    place that has its text. A warning says how many there were of these, of questions
    whose answers are nowhere, and of questions or contexts without text.

    Args:
        path: of JSON, compressed or not.

    Raises:
        UserError: naming the line that is no JSON, or the article, paragraph and
            question (numbers from 1) in which something is missing.
    """
    questions, num_moved = [], 0
    for place, context, entry in _entries(path):
        question, is_moved = _read_question(place, context, entry)
        questions.append(question)
        num_moved += is_moved
    if not questions:
        raise UserError(f"{path}: expected questions, received none; check the file.")
    num_lost = sum(
        not question.gold.is_trainable
        for question in questions
        if question.gold.answers is not None
    )
    if num_moved or num_lost:
        logging.warning(
            "%s: the answers to %d of %d questions are not at their offsets: %d are "
            "taken from the nearest place that has their text, %d are left out of "
            "training because none has.",
            path,
            num_moved + num_lost,
            len(questions),
            num_moved,
            num_lost,
        )
    num_empty = sum(
        not question.question.strip() or not question.context.strip()
        for question in questions
    )
    if num_empty:
        logging.warning(
            "%s: %d of %d questions, or their contexts, have no text.",
            path,
            num_empty,
            len(questions),
        )
    return questions


def _entries(path: str) -> Iterator[tuple[str, str, Any]]:
    """The place of each question, its context and itself."""
    content = parse_json(path, read_text(path))
    for article_place, article in _objects(path, content, "data", "article"):
        for place, paragraph in _objects(
            article_place, article, "paragraphs", "paragraph"
        ):
            context = _value(place, paragraph, "context", str)
            for question_place, entry in _objects(place, paragraph, "qas", "question"):
                yield question_place, context, entry


def _objects(place: str, parent: Any, key: str, name: str) -> Iterator[tuple[str, Any]]:
    """What should be the objects of a list, and their places."""
    for number, each in enumerate(_value(place, parent, key, list), start=1):
        yield f"{place}: {name} {number}", each


def _read_question(place: str, context: str, entry: Any) -> tuple[Question, bool]:
    """A question, and whether its answer was found elsewhere than at its offset."""
    question = _value(place, entry, "question", str)
    gold = GoldAnswers(str(_value(place, entry, "id", str | int)))
    if "answers" not in entry:
        gold = dataclasses.replace(gold, answers=None)
        return Question(question, context, gold), False
    answers = _value(place, entry, "answers", list)
    if not answers:  # whatever is_impossible says, as in the official evaluation
        return Question(question, context, gold), False
    offsets = [
        (
            _value(answer_place, answer, "text", str),
            _value(answer_place, answer, "answer_start", int),
        )
        for answer_place, answer in _objects(place, entry, "answers", "answer")
    ]
    places = [(text, _nearest(context, text, offset)) for text, offset in offsets]
    found = [place for place in places if place[1] is not None]
    exact = [place for place in offsets if place in places]
    text, start = next(iter(exact or found), ("", None))
    gold = dataclasses.replace(
        gold,
        answers=tuple(text for text, _ in offsets),
        span=None if start is None else _byte_span(context, start, text),
    )
    return Question(question, context, gold), bool(found) and not exact


def _value(place: str, parent: Any, key: str, kind: type | types.UnionType) -> Any:
    if not isinstance(parent, dict):
        raise UserError(
            f"{place}: expected an object, received {type(parent).__name__}; mend it."
        )
    if key not in parent:
        raise UserError(
            f"{place}: expected {key!r}, received {', '.join(parent) or 'nothing'}; "
            "add it."
        )
    value = parent[key]
    if not isinstance(value, kind):
        raise UserError(
            f"{place}: expected {_KINDS[kind]} as {key!r}, received "
            f"{type(value).__name__}; mend it."
        )
    return value


def _nearest(context: str, text: str, offset: int) -> int | None:
    """Where `text` begins nearest to `offset`; None if nowhere, or if it is blank."""
    if not text.strip():
        return None
    offset = max(offset, 0)
    before = context.rfind(text, 0, offset + len(text))
    after = context.find(text, offset)
    found = [start for start in (before, after) if start >= 0]
    return min(found, key=lambda start: abs(start - offset), default=None)


def _byte_span(context: str, start: int, text: str) -> tuple[int, int]:
    first = len(context[:start].encode("utf-8"))
    return first, first + len(text.encode("utf-8"))
