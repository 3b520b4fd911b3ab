"""Sockets and signals around the application."""

import signal
import socket
import sys

import uvicorn
from absl import logging

from bert_tf.errors import UserError
from bert_tf.serving.local.app import MAX_BODY_BYTES, make_app
from bert_tf.serving.local.models import ServedModel

_SECONDS_TO_FINISH = 10  # for requests that are under way when the server is stopped


def serve(
    model_dir: str,
    *,
    model_name: str,
    host: str,
    port: int,
    grpc_port: int | None,
    enable_cors: bool,
) -> None:
    """Answers until SIGINT or SIGTERM comes.

    Args:
        model_dir: folder of the numbered versions.
        model_name: by which clients ask for it.
        host: address to listen at.
        port: of REST; 0 for a free one.
        grpc_port: of gRPC, 0 for a free one; None for no gRPC.
        enable_cors: whether pages from elsewhere may ask.

    Raises:
        UserError: the folder has no model, or a port is taken.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        # While it loads, and again after uvicorn, which takes them over, has finished.
        signal.signal(number, lambda *_: sys.exit(0))
    listener = _listen(host, port)
    served = ServedModel(model_name, model_dir)
    app = make_app(served, enable_cors=enable_cors)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        ws="none",
    )
    grpc_server = None
    if grpc_port is not None:
        from bert_tf.serving.local.grpc_service import start_grpc

        grpc_server, grpc_port = start_grpc(
            served, host=host, port=grpc_port, max_message_bytes=MAX_BODY_BYTES
        )
        logging.info("gRPC Predict at %s:%d", host, grpc_port)
    logging.info("Playground and REST at %s (Ctrl-C to stop)", _url(listener))
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        if grpc_server is not None:
            grpc_server.stop(_SECONDS_TO_FINISH).wait()
        logging.info("Stopped.")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family)
    except OSError as error:
        reason = error.strerror.partition(" (")[0]  # what follows is the address again
        raise UserError(
            f"--host and --port: expected an address of this machine and a free port, "
            f"received {host}:{port} ({reason}); choose others."
        ) from error
    # Connections take it over. A response is sent in two parts, and the second would wait
    # 40 ms for the client to acknowledge the first (Nagle's algorithm).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
