"""Answers to text that nobody has labelled."""

from collections.abc import Iterable, Iterator

import keras

from bert_tf.data.raw_lines import Inputs
from bert_tf.tasks.answering import raw_answer_function
from bert_tf.tasks.batches import ask
from bert_tf.tasks.task import Answer, Example, Task


def answer_inputs(
    task: Task,
    model: keras.Model,
    inputs: Iterable[Inputs],
    *,
    path: str,
    batch_size: int,
) -> Iterator[Answer]:
    """Answers in order, a batch at a time; says in the end how many inputs are cut.

    Args:
        task: tells how.
        model: what its `make_model` made.
        inputs: by the names of `task.raw_inputs`.
        path: where the inputs are from.
        batch_size: inputs together.

    Yields:
        The inputs and the answer in one dictionary.
    """
    function = raw_answer_function(task, model)
    num_cut = num_inputs = 0
    for batch, arrays in ask(function, task.raw_inputs, inputs, batch_size=batch_size):
        num_inputs += len(batch)
        num_cut += task.num_cut([Example(given) for given in batch])
        for row, given in enumerate(batch):
            yield dict(given) | task.to_plain(arrays, row)
    task.tell_of_cut(path, num_cut, num_inputs)
