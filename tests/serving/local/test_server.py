"""The socket that the development server listens at."""

import socket

from bert_tf.serving.local.server import _listen


def test_responses_do_not_wait_for_acknowledgements():
    with _listen("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()):
            connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
