"""Answers to many examples, a batch at a time."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from bert_tf.tasks.sequences import raw_chunks
from bert_tf.tasks.task import Answer, Batch, Example, Task


def answer_examples(
    task: Task, model: keras.Model, examples: Sequence[Example], *, batch_size: int
) -> list[Answer]:
    """What a model answers, in the order of the examples.

    Args:
        task: tells how.
        model: what its `make_model` made.
        examples: their targets are not looked at.
        batch_size: examples together; those of like length are, so that little of a
            batch is padding.
    """
    function = answer_function(task, model)
    order = sorted(range(len(examples)), key=lambda number: _size(examples[number]))
    answers: list[Answer] = [{}] * len(examples)
    start = 0
    for chunk, inputs in raw_chunks(
        task, [examples[number] for number in order], size=batch_size
    ):
        outputs = {name: values.numpy() for name, values in function(**inputs).items()}
        for row in range(len(chunk)):
            answers[order[start + row]] = task.to_plain(outputs, row)
        start += len(chunk)
    return answers


# Kept for the evaluation after the next epoch: to trace it takes seconds.
@functools.lru_cache(maxsize=1)
def answer_function(task: Task, model: keras.Model) -> Callable[..., Batch]:
    """`task.answer` as a function of its inputs by name, traced once for all batches."""
    return _by_name(functools.partial(task.answer, model), task.inputs)


def raw_answer_function(task: Task, model: keras.Model) -> Callable[..., Batch]:
    """`task.answer_raw` as a function of its inputs by name, traced once."""
    return _by_name(functools.partial(task.answer_raw, model), task.raw_inputs)


def _by_name(
    answer: Callable[[Batch], Batch], ranks: Mapping[str, int]
) -> Callable[..., Batch]:
    specs = [
        tf.TensorSpec([None] * rank, tf.string, name=name) for name, rank in ranks.items()
    ]

    @tf.function(input_signature=specs, autograph=False)
    def function(*values):
        return answer(dict(zip(ranks, values, strict=True)))

    return lambda **inputs: function(*(inputs[name] for name in ranks))


def _size(example: Example) -> int:
    return sum(
        len(value) if isinstance(value, str) else sum(map(len, value))
        for value in example.inputs.values()
    )


def with_answers(
    examples: Sequence[Example], answers: Sequence[Answer]
) -> Iterator[dict[str, Any]]:
    """Examples with their answers, and targets where there are any, to be JSON."""
    for example, answer in zip(examples, answers, strict=True):
        target = example.target
        if dataclasses.is_dataclass(target):  # what people answered to a question
            target = dataclasses.asdict(target)
        yield {"line": example.line, **example.inputs, "target": target} | answer
