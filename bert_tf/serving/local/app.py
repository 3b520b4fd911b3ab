"""The ASGI application: TF Serving's REST interface, and the playground."""

import contextlib
import functools
import html
import pathlib
import re
import threading
import zlib
from collections.abc import AsyncIterator

import anyio
import tensorflow as tf
from absl import logging
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bert_tf.serving.local import rest
from bert_tf.serving.local.errors import RequestError
from bert_tf.serving.local.models import ServedModel, unknown_label

MAX_BODY_BYTES = 10_000_000
_MAX_RUNNING = 8  # requests that are computed at a time; others wait

# Versions are numbers of 64 bits.
_MODEL = r"/v1/models/([^/:]+)(?:/versions/(\d{1,19})|/labels/([^/:]+))?"
_ASK = re.compile(_MODEL + ":(classify|regress|predict)")
_TELL = re.compile(_MODEL + "(/metadata)?")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")  # to refuse all but two
_ANSWERS = {
    "classify": rest.classify,
    "predict": rest.predict,
    "regress": rest.regress,
}

_PAGE = pathlib.Path(__file__).with_name("page")
# Scripts and styles of ours alone; requests to the server that the reader names.
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        "connect-src http: https:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def make_app(served: ServedModel, *, enable_cors: bool = False) -> Starlette:
    """Makes the application, which also looks for new versions while it runs.

    Args:
        served: what answers.
        enable_cors: whether pages from elsewhere may ask.
    """
    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
    )
    limiter = anyio.CapacityLimiter(_MAX_RUNNING)

    async def answer(request: Request) -> Response:
        try:
            return await _answer(served, limiter, request)
        except RequestError as error:
            return _json(rest.error(error.message), error.http_status)
        except ClientDisconnect:
            return Response(status_code=499)  # for nobody
        except Exception as error:
            logging.exception("%s %s", request.method, request.url.path)
            return _json(rest.error(f"{type(error).__name__}: {error}"), 500)

    return Starlette(
        routes=[
            *_page_routes(served.name),
            Route("/{path:path}", answer, methods=_METHODS),
        ],
        middleware=[cors] if enable_cors else [],
        lifespan=functools.partial(_watch, served),
    )


@contextlib.asynccontextmanager
async def _watch(served: ServedModel, app: Starlette) -> AsyncIterator[None]:
    del app
    stop = threading.Event()
    thread = threading.Thread(target=served.watch, args=[stop], daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        # Python aborts if it ends while a thread of its own is in TensorFlow.
        thread.join()


async def _answer(
    served: ServedModel, limiter: anyio.CapacityLimiter, request: Request
) -> Response:
    path = request.url.path
    if request.method == "POST" and (match := _ASK.fullmatch(path)):
        name, number, label, method = match.groups()
        body = await _read(request)
        if body is None:
            message = f"Expected a body of at most {MAX_BODY_BYTES} bytes, received more"
            return _json(rest.error(message), 413)
        model = served.get(name, _to_version(number, label))
        return _json(
            await anyio.to_thread.run_sync(_ANSWERS[method], model, body, limiter=limiter)
        )
    if request.method == "GET" and (match := _TELL.fullmatch(path)):
        name, number, label, wants_metadata = match.groups()
        version = _to_version(number, label)
        if wants_metadata:
            return _json(rest.metadata(name, served.get(name, version)))
        return _json(_status(served, name, version))
    if path.startswith("/v1/"):
        raise RequestError(f"Malformed request: {request.method} {path}")
    raise RequestError(f"Not found: {path}", tf.errors.NOT_FOUND)


async def _read(request: Request) -> bytes | None:
    """The body, inflated if it is compressed by gzip; None if it is too long.

    All of it is taken in even so: a client that still writes would not read the answer.
    """
    chunks, num_bytes = [], 0
    async for chunk in request.stream():
        num_bytes += len(chunk)
        if num_bytes > MAX_BODY_BYTES:
            chunks.clear()
        else:
            chunks.append(chunk)
    body = b"".join(chunks)
    if num_bytes <= MAX_BODY_BYTES and request.headers.get("content-encoding") == "gzip":
        body = _inflate(body)
        num_bytes = len(body)
    return None if num_bytes > MAX_BODY_BYTES else body


def _inflate(body: bytes) -> bytes:
    """What gzip has compressed, or a little more than the most that is answered."""
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        inflated = inflater.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise RequestError(f"Failed to uncompress the body: {error}") from error
    if not inflater.eof and len(inflated) <= MAX_BODY_BYTES:
        raise RequestError("Failed to uncompress the body: its end is missing")
    return inflated


def _status(served: ServedModel, name: str, version: int | None) -> bytes:
    if name != served.name:
        raise RequestError(
            f"Could not find any versions of model {name}", tf.errors.NOT_FOUND
        )
    statuses = [each for each in served.statuses() if version in (None, each.version)]
    if not statuses:
        raise RequestError(
            f"Could not find version {version} of model {name}", tf.errors.NOT_FOUND
        )
    return rest.status(statuses)


def _to_version(number: str | None, label: str | None) -> int | None:
    if label is not None:
        raise unknown_label(label)
    return None if number is None else int(number)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


def _page_routes(model_name: str) -> list[Route]:
    """The playground's three files, read once: no request reads a file."""
    page = (_PAGE / "index.html").read_text(encoding="utf-8")
    page = page.replace("{{model_name}}", html.escape(model_name))
    files = {"/": (page, "text/html")}
    for name, media_type in (
        ("playground.css", "text/css"),
        ("playground.js", "text/javascript"),
    ):
        files[f"/{name}"] = ((_PAGE / name).read_text(encoding="utf-8"), media_type)
    return [
        Route(path, functools.partial(_page, content, media_type))
        for path, (content, media_type) in files.items()
    ]


async def _page(content: str, media_type: str, request: Request) -> Response:
    del request
    return Response(content, media_type=media_type, headers=_PAGE_HEADERS)
