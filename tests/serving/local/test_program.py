"""The program as a process: its lines, its signals, its mistakes."""

import re
import signal
import socket
import subprocess
import sys

import httpx2
import pytest

from bert_tf.serving.client.grpc import GrpcClient
from tests.serving import doubles

COMMAND = [sys.executable, "-m", "bert_tf.serving.local", "--port=0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "halves"
    folder.mkdir()
    doubles.save(folder / "1", serving_default=doubles.write())
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_tells_where_it_is_and_ends_when_it_is_told_to(folder, number):
    process = subprocess.Popen(
        [*COMMAND, f"--model_dir={folder}", "--grpc_port=0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = []
    while not (lines and "Playground" in lines[-1]):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    url = re.search(r"http://127\.0\.0\.1:\d+/", lines[-1]).group()
    address = re.search(r"gRPC Predict at (\S+)", "".join(lines)).group(1)

    page = httpx2.get(url)
    answer = httpx2.post(f"{url}v1/models/halves:predict", json={"instances": ["ab"]})
    with GrpcClient(address, "halves") as client:
        grpc_answers = client.predict({"text": ["cd"]})
    process.send_signal(number)
    _, rest = process.communicate(timeout=120)

    assert "<title>Playground · halves</title>" in page.text
    assert answer.json()["predictions"][0]["generated"] == "AB"
    assert grpc_answers[0]["generated"] == "CD"
    assert process.returncode == 0
    assert len(lines) == 3  # the version, gRPC, the URL
    assert re.fullmatch(r"[\d:]+ Stopped.\n", rest)


def run(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)


def test_a_port_that_is_taken(folder):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = run(f"--model_dir={folder}", f"--port={port}")

    assert result.returncode == 2
    assert f"received 127.0.0.1:{port} (Address already in use); choose" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_name_that_no_url_can_hold(folder):
    result = run(f"--model_dir={folder}", "--model_name=mine:v2")

    assert result.returncode == 2
    assert result.stderr.startswith("error: --model_name: expected a name for URLs, rec")
    assert result.stderr.count("\n") == 1


def test_a_folder_without_a_model(tmp_path):
    result = run(f"--model_dir={tmp_path}")

    assert result.returncode == 2
    assert result.stderr.startswith("error: Expected a folder with a SavedModel")
