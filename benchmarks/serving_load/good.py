"""Requests that deserve the right answer."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx2

from benchmarks.serving_load.questions import Columns, Question
from benchmarks.serving_load.server import Server
from benchmarks.serving_load.tally import Request, Wrong
from bert_tf.serving.client.client import Client
from bert_tf.serving.client.errors import Unavailable

RIGHT = "right answer"
UNAVAILABLE = "Unavailable"  # the one error that a good request may get
TIMEOUT_SECONDS = 120.0
_REPEATS = 4  # of the golden rows, in requests with several
_BATCH_SIZE = 8  # rows of such a request at most
_NUM_PIECES = 10  # of a slow sender's body
_SECONDS_BETWEEN_PIECES = 0.1


def good_requests(
    clients: Mapping[str, Client], questions: Sequence[Question]
) -> list[Request]:
    """Every row of every signature alone, and all its rows in batches.

    Args:
        clients: by the names of their interfaces.
        questions: to be asked through each.
    """
    return [
        request
        for interface, client in clients.items()
        for question in questions
        for request in (
            *(
                predict(f"{interface}, one input", client, question.row(number))
                for number in range(question.num_rows)
            ),
            predict(f"{interface}, batches", client, question.repeated(_REPEATS)),
        )
    ]


def predict(kind: str, client: Client, question: Question) -> Request:
    """A question that a client asks."""

    def ask() -> Columns:
        rows = client.predict(
            question.inputs,
            signature_name=question.signature,
            batch_size=_BATCH_SIZE,
            timeout_seconds=TIMEOUT_SECONDS,
        )
        return {name: [row[name] for row in rows] for name in rows[0]}

    return Request(kind, ask, _answers(question), is_good=True)


def predict_slowly(server: Server, http: httpx2.Client, question: Question) -> Request:
    """A question whose body takes its time."""
    url, body = f"{server.url}/v1/models/{server.model_name}:predict", to_body(question)

    def ask() -> Columns:
        response = http.post(
            url, content=_pieces(body), headers={"Content-Length": str(len(body))}
        )
        if response.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
            raise Unavailable(response.text)
        response.raise_for_status()
        outputs = response.json()["outputs"]
        # A server leaves out the name of an only output.
        return outputs if isinstance(outputs, dict) else {min(question.outputs): outputs}

    return Request("REST, slow sender", ask, _answers(question), is_good=True)


def to_body(question: Question) -> bytes:
    """JSON of REST, in columns."""
    request = {"signature_name": question.signature, "inputs": question.inputs}
    return json.dumps(request).encode()


def _answers(question: Question) -> Callable[[Any], str]:
    def check(received: Columns | Exception) -> str:
        if isinstance(received, Unavailable):
            return UNAVAILABLE
        if isinstance(received, Exception):
            raise Wrong(repr(received))
        if miss := question.miss(received):
            raise Wrong(f"{question.signature}: {miss}")
        return RIGHT

    return check


def _pieces(body: bytes) -> Iterator[bytes]:
    size = len(body) // _NUM_PIECES + 1
    for start in range(0, len(body), size):
        time.sleep(_SECONDS_BETWEEN_PIECES)
        yield body[start : start + size]
