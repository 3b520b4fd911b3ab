"""What both clients do: batches, deadlines, answers."""

import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from bert_tf.serving.client.errors import InvalidRequest, ServingError
from bert_tf.serving.client.retries import Deadline, with_retries
from bert_tf.serving.protocol import DEFAULT_SIGNATURE

Answer = dict[str, Any]  # of one input: str, int, float, bool, bytes, and lists of them
Columns = Mapping[str, Sequence[Any]]


class Client(abc.ABC):
    """Asks one model of a server.

    Args:
        model_name: as the server knows it.
        version: number of the one to ask, or the label that the server's configuration
            gives it, such as "canary"; the newest without it.
    """

    def __init__(self, model_name: str, *, version: int | str | None = None):
        self.model_name = model_name
        self.version = version

    def predict(
        self,
        inputs: Columns,
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        batch_size: int = 32,
        timeout_seconds: float = 60.0,
    ) -> list[Answer]:
        """Answers to many inputs, sent in batches one after the other.

        Args:
            inputs: by name, each a sequence with a value an input, such as
                `{"question": ["Who?"], "context": ["Ada wrote it."]}`.
            signature_name: what to ask for.
            batch_size: inputs that are sent together.
            timeout_seconds: for all of it, retries included.

        Returns:
            For each input the outputs by name: texts as str, those of outputs whose
            names end in _bytes as bytes, tensors as lists. What a model fills up to the
            longest of a batch is filled up here too.

        Raises:
            InvalidRequest: the inputs differ in number, no tensor holds them, or the
                server refuses them.
            NotFound: the server does not have the model.
            Unavailable: it has not answered after several attempts.
            DeadlineExceeded: it took too long.
            ServingError: it failed.
        """
        deadline = Deadline(timeout_seconds)
        answers: list[Answer] = []
        for batch, size in _batches(inputs, batch_size):
            outputs = with_retries(
                lambda batch=batch: self._ask(batch, signature_name, deadline), deadline
            )
            answers += _rows(outputs, size)
        return answers

    @abc.abstractmethod
    def _ask(self, inputs: Columns, signature_name: str, deadline: Deadline) -> Columns:
        """Outputs by name, in Python's types; asks once."""

    @abc.abstractmethod
    def close(self) -> None:
        """Closes the connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _batches(inputs: Columns, batch_size: int) -> Iterator[tuple[Columns, int]]:
    if batch_size < 1:
        raise InvalidRequest(
            f"Expected a batch_size of at least 1, received {batch_size}."
        )
    for name, values in inputs.items():
        if isinstance(values, str | bytes):
            raise InvalidRequest(
                f"Expected a list of {name}, received one alone; put it into a list."
            )
    sizes = {name: len(values) for name, values in inputs.items()}
    if not sizes or len(set(sizes.values())) > 1:
        raise InvalidRequest(
            f"Expected as many values of each input, received {sizes}; align them."
        )
    total = next(iter(sizes.values()))
    for start in range(0, total, batch_size):
        end = min(start + batch_size, total)
        yield {name: values[start:end] for name, values in inputs.items()}, end - start


def _rows(outputs: Columns, size: int) -> list[Answer]:
    for name, values in outputs.items():
        if not isinstance(values, list) or len(values) != size:
            raise ServingError(
                f"Expected an answer to each of {size} inputs, received other {name}; "
                "this signature does not answer in rows."
            )
    return [
        {name: values[row] for name, values in outputs.items()} for row in range(size)
    ]
