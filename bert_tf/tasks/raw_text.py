"""Answers to text that nobody has labelled."""

import itertools
from collections.abc import Iterable, Iterator

import keras

from bert_tf.data.raw_lines import Inputs
from bert_tf.tasks.answering import raw_answer_function
from bert_tf.tasks.sequences import string_tensor
from bert_tf.tasks.task import Answer, Task


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
