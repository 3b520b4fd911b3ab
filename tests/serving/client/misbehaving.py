"""A server that does what a test tells it to, request by request."""

import contextlib
import http.server
import json
import threading
import time


def answer(status, body, headers=None):
    """Answers with a status and JSON, or with bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def act(handler):
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return act


def hang_up(handler):
    """Closes the connection."""
    handler.close_connection = True


def say_nothing(handler):
    """Keeps the client waiting."""
    handler.server.ended.wait(60)
    handler.close_connection = True


def break_off(handler):
    """Says less than it has announced."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"outputs"')
    handler.close_connection = True


def drip(handler):
    """Says a byte every tenth of a second."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        while not handler.server.ended.is_set():
            handler.wfile.write(b" ")
            time.sleep(0.1)


@contextlib.contextmanager
def misbehaving(*acts):
    """Does one act a request, the last one again and again.

    Gives the URL and a list that the requests are put into: (method, path, body).
    """
    left, seen = list(acts), []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            size = int(self.headers.get("Content-Length", 0))
            seen.append((self.command, self.path, self.rfile.read(size)))
            (left.pop(0) if len(left) > 1 else left[0])(self)

        do_POST = do_GET

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.ended = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
