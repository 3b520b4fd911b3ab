"""Workers that come late, twice, or not at all."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bert_tf.errors import UserError
from bert_tf.training.rendezvous import meet
from tests.training.programs import free_ports


@pytest.fixture
def workers():
    return [f"127.0.0.1:{port}" for port in free_ports(3)]


@pytest.fixture
def pool():
    with ThreadPoolExecutor(3) as pool:
        yield pool


def test_one_worker_waits_for_nobody(workers):
    meet(workers[:1], 0, seconds=5)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_all_go_on_once_the_last_has_come(workers, pool, order):
    first, second, last = order
    early = [pool.submit(meet, workers, index, seconds=30) for index in (first, second)]
    time.sleep(1)
    assert not any(worker.done() for worker in early)
    meet(workers, last, seconds=30)
    for worker in early:
        worker.result(timeout=5)


def test_the_missing_are_named(workers, pool):
    present = [pool.submit(meet, workers, index, seconds=2) for index in (0, 1)]
    for worker in present:
        with pytest.raises(UserError, match=rf"3 workers .* none at {workers[2]}; start"):
            worker.result()


def test_a_missing_chief_is_named(workers):
    with pytest.raises(UserError, match=f"received none at {workers[0]}; start"):
        meet(workers, 1, seconds=1)


def test_a_worker_that_left_while_waiting_has_to_come_again(workers, pool):
    chief = pool.submit(meet, workers, 0, seconds=30)
    host, port = workers[0].split(":")
    while True:
        try:
            early = socket.create_connection((host, int(port)))
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    early.sendall(b"bert_tf worker 1 of 3")
    time.sleep(1)
    early.close()
    time.sleep(1)
    pool.submit(meet, workers, 2, seconds=30)
    time.sleep(1)
    assert not chief.done()
    meet(workers, 1, seconds=30)
    chief.result(timeout=5)


def test_callers_that_are_no_workers_are_passed_over(workers, pool):
    chief = pool.submit(meet, workers[:2], 0, seconds=30)
    time.sleep(0.5)
    host, port = workers[0].split(":")
    with socket.create_connection((host, int(port))) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        time.sleep(0.5)
    with socket.create_connection((host, int(port))):  # says nothing
        meet(workers[:2], 1, seconds=30)
    chief.result(timeout=5)


def test_a_port_that_is_taken_is_told(workers):
    port = int(workers[0].split(":")[1])
    with (
        socket.create_server(("", port)),
        pytest.raises(UserError, match=f"listen at port {port}, received: .*TF_CONFIG"),
    ):
        meet(workers, 0, seconds=5)
