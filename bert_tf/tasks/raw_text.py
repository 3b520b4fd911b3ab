"""Answers to text that nobody has labelled."""

from collections.abc import Iterable, Iterator

import keras

from bert_tf.data.raw_lines import Inputs
from bert_tf.tasks.answering import raw_answer_function
from bert_tf.tasks.batches import ask
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
    for given, arrays, row in ask(
        function, task.raw_inputs, inputs, batch_size=batch_size
    ):
        yield dict(given) | task.to_plain(arrays, row)
