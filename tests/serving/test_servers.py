"""Servers give the golden answers by REST: TF Serving where there is one, and our own."""

import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import time

import numpy as np
import pytest

from bert_tf.serving.client.errors import ServingError
from bert_tf.serving.client.rest import RestClient
from bert_tf.serving.export_lib import MANIFEST_FILE
from bert_tf.serving.golden import are_equal
from tests.serving.local.running import running

SERVING_YAML = pathlib.Path(__file__).parents[2] / "deploy/tf_serving/serving.yaml"
START_SECONDS = 300  # pulling the image included
NAME = "model"


def stand_in(export_dir):
    return running(NAME, export_dir)


@contextlib.contextmanager
def model_server(export_dir):
    program = shutil.which("tensorflow_model_server")
    if program is None:
        pytest.skip("needs tensorflow_model_server on the PATH")
    port = free_port()
    process = subprocess.Popen(
        [
            program,
            f"--port={free_port()}",
            f"--rest_api_port={port}",
            f"--model_name={NAME}",
            f"--model_base_path={export_dir}",
        ]
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def container(export_dir):
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True).returncode:
        pytest.skip("needs Docker, running")
    port = free_port()
    started = subprocess.run(
        [
            *(docker, "run", "--detach", "--publish", f"127.0.0.1:{port}:8501"),
            *("--volume", f"{export_dir}:/models/{NAME}:ro"),
            *("--env", f"MODEL_NAME={NAME}", image()),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    try:
        yield f"http://127.0.0.1:{port}"
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


@pytest.mark.parametrize(
    "server",
    [
        stand_in,
        pytest.param(model_server, marks=pytest.mark.model_server),
        pytest.param(container, marks=pytest.mark.model_server),
    ],
)
def test_golden_answers(server, version_dir):
    version_dir = pathlib.Path(version_dir)
    manifest = json.loads((version_dir / MANIFEST_FILE).read_text())

    with server(version_dir.parent) as url, RestClient(url, NAME) as client:
        await_start(client)
        for case in manifest["golden"]:
            answers = client.predict(case["inputs"], signature_name=case["signature"])
            for name, expected in case["outputs"].items():
                received = [answer[name] for answer in answers]
                assert are_equal(
                    np.array(expected),
                    np.array(received),
                    tolerance=manifest["tolerance"],
                ), f"{case['signature']}: {name}: {expected}, received {received}"
