"""Requests that deserve an error, and connections that break off."""

import json
import socket
import struct
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
import httpx2
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.serving_load.good import TIMEOUT_SECONDS, to_body
from benchmarks.serving_load.questions import Question
from benchmarks.serving_load.server import Server
from benchmarks.serving_load.tally import Request, Wrong
from bert_tf.serving.client.client import Client
from bert_tf.serving.client.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
)
from bert_tf.serving.client.grpc import GrpcClient
from bert_tf.serving.client.rest import RestClient
from bert_tf.serving.local.app import MAX_BODY_BYTES

_NO_VERSION = 10**9
_TOO_LONG = "a" * MAX_BODY_BYTES  # what is around it makes it longer
_NUM_LEVELS = 300  # more than tensors have, fewer than JSON may have
_SHORT_SECONDS = 0.005  # for an answer; some come in time
_LONG_RESPONSE_BYTES = 1_000_000
_FIRST_BYTES = b"HTTP/1.1 200"
# What is at the beginning of a connection of HTTP/2, and half a frame of settings.
_HALF_OF_HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\x12\x04"


def refused_by_both(
    server: Server, clients: Mapping[str, Client], question: Question
) -> list[Request]:
    """What either interface refuses.

    Args:
        server: to be asked.
        clients: of it, REST and gRPC.
        question: what would be answered.
    """
    made = {
        "REST": (RestClient, server.url, "400", "404"),
        "gRPC": (GrpcClient, server.grpc_address, "INVALID_ARGUMENT", "NOT_FOUND"),
    }
    requests = []
    for interface, (client_class, address, invalid, not_found) in made.items():
        client = clients[interface]
        ask_another = _ask_another(client_class, address, question)
        requests += [
            Request(f"{interface}, {kind}", ask, _raises(error, f"answered {status}"))
            for kind, ask, error, status in (
                (
                    "wrong signature",
                    _ask(client, question.inputs, signature_name="nothing"),
                    InvalidRequest,
                    invalid,
                ),
                (
                    "missing input",
                    _ask(client, {"nothing": ["a"]}),
                    InvalidRequest,
                    invalid,
                ),
                ("unknown model", ask_another("nothing"), NotFound, not_found),
                (
                    "unknown version",
                    ask_another(server.model_name, version=_NO_VERSION),
                    NotFound,
                    not_found,
                ),
            )
        ]
    return requests


def refused_by_rest(server: Server, http: httpx2.Client) -> list[Request]:
    """What is no request to the REST interface, or a longer one than it takes."""
    nested = "[" * _NUM_LEVELS + "]" * _NUM_LEVELS
    url = f"{server.url}/v1/models/{server.model_name}"
    return [
        Request(f"REST, {kind}", _post(http, url + method, body), _has_status(status))
        for kind, method, body, status in (
            ("bad JSON", ":predict", '{"instances": ["a"', 400),
            ("lists too deep", ":predict", f'{{"inputs": {nested}}}', 400),
            ("unknown method", ":guess", "{}", 400),
            ("body too long", ":predict", json.dumps({"inputs": [_TOO_LONG]}), 413),
        )
    ]


def refused_by_grpc(server: Server, client: Client, question: Question) -> list[Request]:
    """What is no request to the gRPC interface, or a longer one than it takes."""
    return [
        Request(
            "gRPC, message too long",
            _ask(client, {"text": [_TOO_LONG]}),
            _raises(InvalidRequest, "answered RESOURCE_EXHAUSTED"),
        ),
        Request(
            "gRPC, tensor cut off",
            _ask_with_half_a_tensor(server, min(question.inputs)),
            _is_invalid_argument,
        ),
    ]


def broken_off(
    server: Server, client: Client, questions: Sequence[Question]
) -> list[Request]:
    """Clients that go before they have an answer, which no one checks.

    Args:
        server: to be asked.
        client: of its gRPC.
        questions: what would be answered.
    """
    rest = urllib.parse.urlsplit(server.url)
    rest_address = (rest.hostname, rest.port)
    host, _, port = server.grpc_address.rpartition(":")
    request = _to_http(server, questions[0])
    long_request = _to_http(server, _with_long_answer(questions))
    return [
        Request(kind, ask, check)
        for kind, ask, check in (
            (
                "REST, closed in mid-request",
                _hang_up(rest_address, request[:-10], reset=False),
                _is_gone,
            ),
            (
                "REST, closed before the response",
                _hang_up(rest_address, request),
                _is_gone,
            ),
            (
                "REST, closed in mid-response",
                _hang_up(rest_address, long_request, num_bytes=len(_FIRST_BYTES)),
                _is_beginning,
            ),
            (
                "gRPC, closed in mid-request",
                _hang_up((host, int(port)), _HALF_OF_HTTP2),
                _is_gone,
            ),
            (
                "gRPC, given up",
                _ask(client, questions[0].inputs, timeout_seconds=_SHORT_SECONDS),
                _is_given_up,
            ),
        )
    ]


# --- How they are sent ---------------------------------------------------------------


def _ask(client: Client, inputs: Mapping, **options: Any) -> Callable[[], Any]:
    return lambda: client.predict(
        inputs, **{"timeout_seconds": TIMEOUT_SECONDS, **options}
    )


def _ask_another(
    client_class: type[Client], address: str, question: Question
) -> Callable[..., Callable[[], Any]]:
    def make(model_name: str, *, version: int | None = None) -> Callable[[], Any]:
        def ask() -> Any:
            with client_class(address, model_name, version=version) as client:
                return _ask(client, question.inputs)()

        return ask

    return make


def _ask_with_half_a_tensor(server: Server, name: str) -> Callable[[], Any]:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = server.model_name
    request.inputs[name].CopyFrom(TensorProto(dtype="DT_INT32", tensor_content=b"abc"))

    def ask() -> grpc.StatusCode:
        with grpc.insecure_channel(server.grpc_address) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            try:
                stub.Predict(request, timeout=TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                return error.code()
            return grpc.StatusCode.OK

    return ask


def _post(http: httpx2.Client, url: str, body: str) -> Callable[[], httpx2.Response]:
    return lambda: http.post(url, content=body)


def _to_http(server: Server, question: Question) -> bytes:
    body = to_body(question)
    head = (
        f"POST /v1/models/{server.model_name}:predict HTTP/1.1\r\nHost: server\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _with_long_answer(questions: Sequence[Question]) -> Question:
    """Longer than what is in buffers between a server and a client."""
    sizes = [len(json.dumps(question.outputs)) for question in questions]
    longest = max(sizes)
    times = _LONG_RESPONSE_BYTES // longest + 1
    return questions[sizes.index(longest)].repeated(times)


def _hang_up(
    address: tuple[str, int], content: bytes, *, num_bytes: int = 0, reset: bool = True
) -> Callable[[], bytes]:
    """Sends, reads a number of bytes, and closes the connection or resets it."""

    def ask() -> bytes:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            if reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.settimeout(TIMEOUT_SECONDS)
            connection.connect(address)
            connection.sendall(content)
            return connection.recv(num_bytes, socket.MSG_WAITALL) if num_bytes else b""

    return ask


# --- What is to come back ------------------------------------------------------------


def _raises(error_type: type[Exception], text: str) -> Callable[[Any], str]:
    def check(received: Any) -> str:
        if type(received) is not error_type or text not in str(received):
            raise Wrong(f"expected {error_type.__name__}, {text}; received {received!r}")
        return text.removeprefix("answered ")

    return check


def _has_status(status: int) -> Callable[[Any], str]:
    def check(received: Any) -> str:
        if not isinstance(received, httpx2.Response) or received.status_code != status:
            raise Wrong(f"expected {status}, received {received!r}")
        if list(received.json()) != ["error"]:
            raise Wrong(f"expected an error of JSON, received {received.text}")
        return str(status)

    return check


def _is_invalid_argument(received: Any) -> str:
    if received is not grpc.StatusCode.INVALID_ARGUMENT:
        raise Wrong(f"expected INVALID_ARGUMENT, received {received!r}")
    return received.name


def _is_gone(received: Any) -> str:
    if isinstance(received, Exception):
        raise Wrong(f"expected to be taken in, received {received!r}")
    return "not waited for"


def _is_beginning(received: Any) -> str:
    if received != _FIRST_BYTES:
        raise Wrong(f"expected {_FIRST_BYTES}, received {received!r}")
    return "not waited for"


def _is_given_up(received: Any) -> str:
    if isinstance(received, DeadlineExceeded):
        return "not waited for"
    if isinstance(received, Exception):
        raise Wrong(f"expected an answer or none in time, received {received!r}")
    return "answer in time"
