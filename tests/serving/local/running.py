"""The server in threads of the test's process."""

import contextlib
import socket
import threading

import uvicorn

from bert_tf.serving.local.app import make_app
from bert_tf.serving.local.grpc_service import start_grpc
from bert_tf.serving.local.models import ServedModel


@contextlib.contextmanager
def running(name, model_dir, *, enable_cors=False):
    """Serves a folder at a free port meanwhile; gives the URL, without a path."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = make_app(ServedModel(name, str(model_dir)), enable_cors=enable_cors)
    server = uvicorn.Server(
        uvicorn.Config(app, access_log=False, log_level="warning", ws="none")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def running_grpc(name, model_dir):
    """Serves a folder by gRPC meanwhile; gives the address."""
    server, port = start_grpc(
        ServedModel(name, str(model_dir)),
        host="127.0.0.1",
        port=0,
        max_message_bytes=10_000_000,
    )
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
