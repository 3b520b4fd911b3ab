"""REST, in columns: the shorter of TF Serving's two formats."""

import base64
import contextlib
import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import httpx2

from bert_tf.serving.client.client import Client, Columns
from bert_tf.serving.client.errors import (
    NOT_ALIKE,
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    ServingError,
    Unavailable,
)
from bert_tf.serving.client.retries import Deadline, with_retries
from bert_tf.serving.protocol import BYTES_SUFFIX

# Too many requests, and what proxies answer for servers that start or stop.
_UNAVAILABLE = (429, 502, 503)
_EXCEPTIONS = {404: NotFound, 504: DeadlineExceeded}
_SHOWN_CHARACTERS = 200  # of an answer that is no JSON


class RestClient(Client):
    """Asks a server's REST interface.

    A deadline is looked at whenever something arrives: a server that sends its answer in
    drops may exceed it until the next one.

    Args:
        url: of the server, such as http://localhost:8501.
        model_name: see Client.
        version: see Client.

    Raises:
        InvalidRequest: the URL is none of HTTP.
    """

    def __init__(self, url: str, model_name: str, *, version: int | str | None = None):
        if not _is_of_http(url):
            raise InvalidRequest(
                f"Expected a URL such as http://localhost:8501, received {url!r}."
            )
        super().__init__(model_name, version=version)
        self._http = httpx2.Client()
        name = urllib.parse.quote(model_name, safe="")
        self._url = f"{url.rstrip('/')}/v1/models/{name}"
        if isinstance(version, str):
            self._url += f"/labels/{urllib.parse.quote(version, safe='')}"
        elif version is not None:
            self._url += f"/versions/{version}"
        self._output_names: dict[str, list[str]] = {}  # by signature

    def status(self, *, timeout_seconds: float = 10.0) -> dict[int, str]:
        """The states of the versions by their numbers; AVAILABLE is what answers.

        Args:
            timeout_seconds: for the answer, retries included.

        Raises:
            ServingError: as in `predict`.
        """
        answer = self._get("", Deadline(timeout_seconds))
        with _as_agreed():
            return {
                int(each["version"]): each["state"]
                for each in answer["model_version_status"]
            }

    def close(self) -> None:
        """See Client."""
        self._http.close()

    def _ask(self, inputs: Columns, signature_name: str, deadline: Deadline) -> Columns:
        request = {
            "signature_name": signature_name,
            "inputs": {name: list(values) for name, values in inputs.items()},
        }
        body = json.dumps(request, default=_to_json)
        answer = self._send("POST", ":predict", deadline, body)
        with _as_agreed():
            outputs = answer["outputs"]
        # A server leaves out the name of an only output.
        if not isinstance(outputs, dict):
            outputs = {self._output_name(signature_name, deadline): outputs}
        with _as_agreed():
            return {
                name: _to_bytes(values) if name.endswith(BYTES_SUFFIX) else values
                for name, values in outputs.items()
            }

    def _output_name(self, signature_name: str, deadline: Deadline) -> str:
        if signature_name not in self._output_names:
            answer = self._get("/metadata", deadline)
            with _as_agreed():
                signatures = answer["metadata"]["signature_def"]["signature_def"]
                self._output_names[signature_name] = list(
                    signatures[signature_name]["outputs"]
                )
        return self._output_names[signature_name][0]

    def _get(self, path: str, deadline: Deadline) -> dict[str, Any]:
        return with_retries(lambda: self._send("GET", path, deadline), deadline)

    def _send(
        self, method: str, path: str, deadline: Deadline, body: str | None = None
    ) -> dict[str, Any]:
        try:
            with self._http.stream(
                method, self._url + path, content=body, timeout=deadline.remaining()
            ) as response:
                chunks = []
                for chunk in response.iter_bytes():
                    deadline.remaining()
                    chunks.append(chunk)
        except httpx2.TimeoutException as error:
            raise deadline.exceeded() from error
        except httpx2.TransportError as error:
            raise Unavailable(
                f"Expected an answer of {self._url}, received none "
                f"({error or type(error).__name__}); is the server there?"
            ) from error
        except httpx2.DecodingError as error:
            raise ServingError(f"The server's answer is damaged: {error}") from error
        return _parse(response.status_code, b"".join(chunks))


@contextlib.contextmanager
def _as_agreed() -> Iterator[None]:
    """Tells of JSON in which something is not where TF Serving has it."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ServingError(
            f"Expected TF Serving's answer, received another ({error!r}); what server is "
            "this?"
        ) from error


def _parse(status: int, body: bytes) -> dict[str, Any]:
    """The answer in a response, or the exception that it tells of."""
    # TF Serving gives back what a text holds, valid UTF-8 or not.
    text = body.decode("utf-8", "replace")
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    told = answer.get("error") if isinstance(answer, dict) else None
    message = told or text[:_SHOWN_CHARACTERS]
    message = f"The server answered {status}: {message}"
    if status in _UNAVAILABLE or NOT_ALIKE in message:
        raise Unavailable(message)
    if 400 <= status < 500:
        raise _EXCEPTIONS.get(status, InvalidRequest)(message)
    raise _EXCEPTIONS.get(status, ServingError)(message)


def _is_of_http(url: str) -> bool:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)


def _to_json(value: Any) -> Any:
    if hasattr(value, "numpy"):  # a tensor
        value = value.numpy()
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    if not hasattr(value, "tolist"):  # no array
        raise InvalidRequest(
            f"Expected texts or numbers, received {type(value).__name__}; convert it."
        )
    return value.tolist()


def _to_bytes(values: Any) -> Any:
    if isinstance(values, list):
        return [_to_bytes(each) for each in values]
    return base64.b64decode(values["b64"])
