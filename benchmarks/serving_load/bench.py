"""Asks the development server in many ways at once, and keeps what became of it."""

import contextlib
import pathlib
import random
import threading
import time
from collections.abc import Sequence

import httpx2

from benchmarks import machine
from benchmarks.serving_load import faults, good, memory, report
from benchmarks.serving_load.questions import Question, newest_version, read_questions
from benchmarks.serving_load.server import Server
from benchmarks.serving_load.tally import Request, Tally
from benchmarks.serving_load.versions import Versions
from bert_tf.serving.client.errors import ServingError
from bert_tf.serving.client.grpc import GrpcClient
from bert_tf.serving.client.rest import RestClient

_SECONDS_TO_FINISH = 3 * good.TIMEOUT_SECONDS  # what takes longer is lost


def load(
    model_dir: str, output: pathlib.Path, *, minutes: float, num_threads: int
) -> report.Results:
    """Starts a server, asks it for a while, stops it.

    Args:
        model_dir: --export_dir of an export.
        output: folder for the server's copies of it, and for its log.
        minutes: of asking; each thread sends one request of each kind at least.
        num_threads: that ask at a time.

    Raises:
        RuntimeError: the server does not start.
        UserError: there is no export.
    """
    source = newest_version(model_dir)
    questions = read_questions(source)
    description = machine.describe()
    versions, tally = Versions(output / "model", source), Tally()
    with Server(output / "model", output / "server.log") as server:
        with memory.sampled(server.pid) as samples:
            start = time.monotonic()
            end = start + 60 * minutes
            threads, is_over = _start_asking(server, questions, tally, num_threads)
            versions.keep_publishing(server, tally, questions[0], end=end)
            while time.monotonic() < end and server.is_running:
                time.sleep(0.1)
            is_over.set()
            _join(threads)
            seconds = time.monotonic() - start
        was_running = server.is_running
        exit_code = _stop_while_loading(server, versions)
        log = server.log()
    return report.Results(
        machine=description,
        seconds=seconds,
        num_threads=num_threads,
        signatures=[question.signature for question in questions],
        kinds=tally.results(),
        wrong_examples=tally.examples,
        versions=versions.published,
        resident_bytes=samples,
        was_running=was_running,
        has_traceback="Traceback" in log,
        exit_code=exit_code,
    )


def _start_asking(
    server: Server, questions: Sequence[Question], tally: Tally, num_threads: int
) -> tuple[list[threading.Thread], threading.Event]:
    is_over = threading.Event()
    threads = [
        threading.Thread(
            target=_keep_asking,
            args=[server, questions, tally, random.Random(number), is_over],
            daemon=True,  # lest a lost request keep us from telling of it
        )
        for number in range(num_threads)
    ]
    for thread in threads:
        thread.start()
    return threads, is_over


def _keep_asking(
    server: Server,
    questions: Sequence[Question],
    tally: Tally,
    generator: random.Random,
    is_over: threading.Event,
) -> None:
    """Sends all requests once, then any of them again and again."""
    with (
        RestClient(server.url, server.model_name) as rest,
        GrpcClient(server.grpc_address, server.model_name) as grpc,
        # A connection for each request: what a server closes after a while is not used.
        httpx2.Client(
            timeout=good.TIMEOUT_SECONDS,
            limits=httpx2.Limits(max_keepalive_connections=0),
        ) as http,
    ):
        requests = _all_requests(server, questions, rest, grpc, http)
        for request in generator.sample(requests, len(requests)):
            tally.send(request)
        while not is_over.is_set():
            tally.send(generator.choice(requests))


def _all_requests(
    server: Server,
    questions: Sequence[Question],
    rest: RestClient,
    grpc: GrpcClient,
    http: httpx2.Client,
) -> list[Request]:
    clients = {"REST": rest, "gRPC": grpc}
    return [
        *good.good_requests(clients, questions),
        good.predict_slowly(server, http, questions[0]),
        *faults.refused_by_both(server, clients, questions[0]),
        *faults.refused_by_rest(server, http),
        *faults.refused_by_grpc(server, grpc, questions[0]),
        *faults.broken_off(server, grpc, questions),
    ]


def _join(threads: Sequence[threading.Thread]) -> None:
    end = time.monotonic() + _SECONDS_TO_FINISH
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


def _stop_while_loading(server: Server, versions: Versions) -> int:
    """The exit code after SIGTERM, which comes when the server has most to do."""
    # A server that does not answer has a wrong exit code.
    with contextlib.suppress(ServingError, TimeoutError):
        versions.begin_loading(server)
    return server.stop()
