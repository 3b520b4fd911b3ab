"""Workers find each other before TensorFlow looks for them.

TensorFlow waits for an hour in code that no thread and no signal of Python's interrupts,
and does not tell who was missing.
"""

import contextlib
import json
import socket
import time

from bert_tf.errors import UserError

_SECONDS_TO_TELL = 1  # whoever takes longer is no worker
_SECONDS_BETWEEN_CALLS = 0.2


def meet(workers: list[str], index: int, *, seconds: float) -> None:
    """Returns once all workers have called it.

    Worker 0 listens at its address, which is TensorFlow's afterwards. The others tell it
    their numbers and hear from it who is missing, once nobody is or the time is over.

    Args:
        workers: addresses, such as host0:2222.
        index: of this worker.
        seconds: to wait.

    Raises:
        UserError: some have not come in time.
    """
    deadline = time.monotonic() + seconds
    find = _gather if index == 0 else _call
    missing = find(workers, index, deadline)
    if missing:
        raise UserError(
            f"Expected {len(workers)} workers within {seconds} seconds, received none at "
            f"{', '.join(missing)}; start the same command on all of "
            f"{', '.join(workers)}, and check that they reach each other."
        )


def _gather(workers: list[str], index: int, deadline: float) -> list[str]:
    """What worker 0 does; returns the workers that are missing."""
    port = int(workers[index].rpartition(":")[2])
    try:
        server = socket.create_server(("", port))
    except OSError as error:
        raise UserError(
            f"Expected worker 0 to listen at port {port}, received: {error}; choose "
            "another in TF_CONFIG."
        ) from error
    others = range(1, len(workers))
    present: dict[int, socket.socket] = {}
    with server:
        server.settimeout(_SECONDS_BETWEEN_CALLS)
        while len(present) < len(others) and time.monotonic() < deadline:
            for number, connection in _next_worker(server, others).items():
                if number in present:  # it has been started again
                    present[number].close()
                present[number] = connection
            for number, connection in list(present.items()):
                if not _is_open(connection):
                    present.pop(number).close()
        missing = [workers[number] for number in others if number not in present]
        for connection in present.values():
            with connection, contextlib.suppress(ConnectionError):
                connection.sendall(json.dumps(missing).encode())
    return missing


def _next_worker(server: socket.socket, others: range) -> dict[int, socket.socket]:
    """The number and connection of a worker that has called."""
    try:
        connection, _ = server.accept()
    except TimeoutError:
        return {}
    names = {_name(number, others): number for number in others}
    with contextlib.suppress(TimeoutError, ConnectionError):
        connection.settimeout(_SECONDS_TO_TELL)
        said = connection.recv(100)
        if said in names:
            return {names[said]: connection}
    connection.close()
    return {}


def _call(workers: list[str], index: int, deadline: float) -> list[str]:
    """What the others do; returns the workers that are missing."""
    host, _, port = workers[0].rpartition(":")
    while (left := deadline - time.monotonic()) > 0:
        try:
            with socket.create_connection((host, int(port)), timeout=left) as connection:
                connection.sendall(_name(index, range(1, len(workers))))
                connection.settimeout(left + _SECONDS_TO_TELL)
                with connection.makefile() as answer:
                    return json.load(answer)
        except (OSError, ValueError):  # not started, not known by its name, or ended
            time.sleep(_SECONDS_BETWEEN_CALLS)
    return workers[:1]


def _name(number: int, others: range) -> bytes:
    return f"bert_tf worker {number} of {others.stop}".encode()


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False
