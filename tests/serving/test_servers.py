"""Servers answer exports by REST and gRPC: TF Serving where there is one, and our own."""

import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import time
from concurrent import futures

import httpx2
import numpy as np
import pytest

from bert_tf.serving.client.errors import InvalidRequest, ServingError
from bert_tf.serving.client.grpc import GrpcClient
from bert_tf.serving.client.rest import RestClient
from bert_tf.serving.export_lib import MANIFEST_FILE
from bert_tf.serving.golden import are_equal
from bert_tf.serving.odd_texts import ODD_TEXTS, random_text
from bert_tf.serving.protocol import DEFAULT_SIGNATURE
from tests.serving.local.running import running, running_grpc

SERVING_YAML = pathlib.Path(__file__).parents[2] / "deploy/tf_serving/serving.yaml"
START_SECONDS = 300  # pulling the image included
NAME = "model"
BATCHING = ("--enable_batching", "--enable_per_model_batching_parameters")


@contextlib.contextmanager
def stand_in(export_dir):
    with running(NAME, export_dir) as url, running_grpc(NAME, export_dir) as address:
        yield url, address


@contextlib.contextmanager
def model_server(export_dir):
    program = shutil.which("tensorflow_model_server")
    if program is None:
        pytest.skip("needs tensorflow_model_server on the PATH")
    port, grpc_port = free_port(), free_port()
    process = subprocess.Popen(
        [
            program,
            f"--port={grpc_port}",
            f"--rest_api_port={port}",
            f"--model_name={NAME}",
            f"--model_base_path={export_dir}",
            *BATCHING,
        ]
    )
    try:
        yield f"http://127.0.0.1:{port}", f"127.0.0.1:{grpc_port}"
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def container(export_dir):
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True).returncode:
        pytest.skip("needs Docker, running")
    port, grpc_port = free_port(), free_port()
    started = subprocess.run(
        [
            *(docker, "run", "--detach", "--publish", f"127.0.0.1:{port}:8501"),
            *("--publish", f"127.0.0.1:{grpc_port}:8500"),
            *("--volume", f"{export_dir}:/models/{NAME}:ro"),
            *("--env", f"MODEL_NAME={NAME}", image(), *BATCHING),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    try:
        yield f"http://127.0.0.1:{port}", f"127.0.0.1:{grpc_port}"
    finally:
        subprocess.run(
            [docker, "rm", "--force", started.stdout.strip()], capture_output=True
        )


def image():
    """The one that deploy/ names."""
    return re.search(r"image: (\S+)", SERVING_YAML.read_text()).group(1)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def await_start(client):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(ServingError):
            if "AVAILABLE" in client.status().values():
                return
        time.sleep(0.2)
    raise RuntimeError(f"the server does not answer within {START_SECONDS} s")


SERVERS = [
    stand_in,
    pytest.param(model_server, marks=pytest.mark.model_server),
    pytest.param(container, marks=pytest.mark.model_server),
]


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_answers_as_the_export_does(server, version_dir):
    version_dir = pathlib.Path(version_dir)
    manifest = json.loads((version_dir / MANIFEST_FILE).read_text())
    cases = {case["signature"]: case for case in manifest["golden"]}
    inputs = cases[DEFAULT_SIGNATURE]["inputs"]

    with (
        server(version_dir.parent) as (url, address),
        RestClient(url, NAME) as rest,
        GrpcClient(address, NAME) as grpc,
    ):
        await_start(rest)
        for client in (rest, grpc):
            for case in cases.values():
                assert_golden(client, case, tolerance=manifest["tolerance"])
            assert_nobody_minds_company(client, inputs)
            assert_odd_texts_are_answered(client, inputs)
        assert_random_texts_are_answered(grpc, inputs)


def assert_golden(client, case, *, tolerance):
    answers = client.predict(case["inputs"], signature_name=case["signature"])
    for name, expected in case["outputs"].items():
        received = [answer[name] for answer in answers]
        assert are_equal(np.array(expected), np.array(received), tolerance), (
            f"{case['signature']}: {name}: {expected}, received {received}"
        )


def assert_nobody_minds_company(client, inputs):
    """One by one, at once from several clients, together and the other way round."""
    together = client.predict(inputs)
    rows = [{name: [value] for name, value in row.items()} for row in rows_of(inputs)]
    alone = [client.predict(row)[0] for row in rows]
    with futures.ThreadPoolExecutor(len(rows)) as pool:
        at_once = [answers[0] for answers in pool.map(client.predict, rows)]
    reverse = client.predict({name: values[::-1] for name, values in inputs.items()})
    for answers in (alone, at_once, reverse[::-1]):
        for expected, received in zip(together, answers, strict=True):
            assert_alike(expected, received)


def assert_alike(expected, received):
    """As far as both are filled: the longest of a batch decides."""
    assert expected.keys() == received.keys()
    for name, value in expected.items():
        one, other = np.array(value), np.array(received[name])
        if not one.size or not other.size:  # alone it has nothing, such as masks
            continue
        common = tuple(map(slice, np.minimum(one.shape, other.shape)))
        assert are_equal(one[common], other[common], 1e-5), name


def assert_odd_texts_are_answered(client, inputs):
    for text in ODD_TEXTS:
        with contextlib.suppress(InvalidRequest):
            client.predict(filled_with(inputs, iter(lambda t=text: t, None)))


def assert_random_texts_are_answered(client, inputs):
    rng = np.random.default_rng(0)
    for _ in range(20):
        client.predict(filled_with(inputs, iter(lambda: random_text(rng), None)))


def rows_of(inputs):
    return [
        dict(zip(inputs, values, strict=True))
        for values in zip(*inputs.values(), strict=True)
    ]


def filled_with(value, texts):
    """The same inputs with other texts in them."""
    if isinstance(value, dict):
        return {name: filled_with(each, texts) for name, each in value.items()}
    if isinstance(value, list):
        return [filled_with(each, texts) for each in value]
    return next(texts)


@pytest.mark.parametrize("server", SERVERS[1:])
@pytest.mark.parametrize(
    ("task", "method"),
    [
        ("classification", "classify"),
        ("pair_classification", "classify"),
        ("pair_regression", "regress"),
        ("similarity", "regress"),
    ],
)
def test_examples_are_answered(server, version_dirs, task, method):
    version_dir = pathlib.Path(version_dirs(task))
    manifest = json.loads((version_dir / MANIFEST_FILE).read_text())
    cases = {case["signature"]: case for case in manifest["golden"]}
    texts = cases[DEFAULT_SIGNATURE]["inputs"]

    with server(version_dir.parent) as (url, _), RestClient(url, NAME) as client:
        await_start(client)
        body = {"signature_name": method, "examples": rows_of(texts)}
        answer = httpx2.post(f"{url}/v1/models/{NAME}:{method}", json=body, timeout=60)

    assert answer.status_code == 200, answer.text
    assert len(answer.json()["results"]) == len(rows_of(texts))
