"""Answers to text that nobody has labelled, as it comes from a file or a pipe."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras

from bert_tf.errors import UserError
from bert_tf.tasks.answering import raw_answer_function
from bert_tf.tasks.sequences import string_tensor
from bert_tf.tasks.task import Answer, Task

Inputs = Mapping[str, Any]


def parse_lines(
    lines: Iterable[str], names: Iterable[str], *, are_objects: bool
) -> Iterator[Inputs]:
    """The inputs of a line each.

    Args:
        lines: texts, or JSON objects.
        names: of the inputs; all of a task with more than one need objects.
        are_objects: whether lines are objects.

    Raises:
        UserError: naming the line that has other names.
    """
    names = list(names)
    if names == ["text"] and not are_objects:
        yield from ({"text": line} for line in lines)
        return
    for number, line in enumerate(lines, start=1):
        try:
            inputs = json.loads(line)
        except ValueError:
            inputs = None
        if not isinstance(inputs, dict) or not inputs.keys() >= set(names):
            raise UserError(
                f"line {number}: expected a JSON object with {', '.join(names)}, "
                f"received {line[:60]!r}; write one a line."
            )
        yield {name: inputs[name] for name in names}


def answer_inputs(
    task: Task, model: keras.Model, inputs: Iterable[Inputs], *, batch_size: int
) -> Iterator[Answer]:
    """Answers in order, a batch at a time.

    Args:
        task: tells how.
        model: what its `make_model` made.
        inputs: by the names of `task.raw_inputs`.
        batch_size: inputs together.

    Yields:
        The inputs and the answer in one dictionary.
    """
    function = raw_answer_function(task, model)
    inputs = iter(inputs)
    while batch := list(itertools.islice(inputs, batch_size)):
        outputs = function(
            **{
                name: string_tensor([each[name] for each in batch], rank)
                for name, rank in task.raw_inputs.items()
            }
        )
        arrays = {name: values.numpy() for name, values in outputs.items()}
        for row, given in enumerate(batch):
            yield dict(given) | task.to_plain(arrays, row)
