"""The REST client, with servers that behave and servers that do not."""

import json
import re
import socket
import time

import numpy as np
import pytest

from bert_tf.serving.client import retries
from bert_tf.serving.client.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    ServingError,
    Unavailable,
)
from bert_tf.serving.client.rest import RestClient
from tests.serving.client.misbehaving import (
    answer,
    break_off,
    drip,
    hang_up,
    misbehaving,
    say_nothing,
)

GOOD = answer(200, {"outputs": {"label": ["ham"], "score": [0.5]}})
ROW = {"label": "ham", "score": 0.5}
METADATA = {
    "metadata": {
        "signature_def": {"signature_def": {"vector": {"outputs": {"embedding": {}}}}}
    }
}


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(retries, "_FIRST_SECONDS", 0.005)


def predict(url, inputs, **options):
    with RestClient(url, "mine") as client:
        return client.predict(inputs, **options)


def test_a_request_and_its_answer():
    with misbehaving(GOOD) as (url, seen):
        assert predict(f"{url}/", {"text": ["a"]}, signature_name="label") == [ROW]

    [(method, path, body)] = seen
    assert (method, path) == ("POST", "/v1/models/mine:predict")
    assert json.loads(body) == {"signature_name": "label", "inputs": {"text": ["a"]}}


def test_a_version_and_inputs_of_other_types():
    inputs = {
        "raw": [b"\xff"],
        "ids": np.array([[1, 2]], "int32"),
        "x": [np.float32(0.5)],
    }
    with misbehaving(GOOD) as (url, seen), RestClient(url, "mine", version=7) as client:
        client.predict(inputs)

    assert seen[0][1] == "/v1/models/mine/versions/7:predict"
    assert json.loads(seen[0][2])["inputs"] == {
        "raw": [{"b64": "/w=="}],
        "ids": [[1, 2]],
        "x": [0.5],
    }


def test_a_label():
    with (
        misbehaving(GOOD) as (url, seen),
        RestClient(url, "mine", version="canary/2") as client,
    ):
        client.predict({"text": ["a"]})

    assert seen[0][1] == "/v1/models/mine/labels/canary%2F2:predict"


def test_many_inputs_go_in_batches():
    batches = [{"outputs": {"n": [0, 1], "m": [0, 1]}}, {"outputs": {"n": [2], "m": [2]}}]
    with misbehaving(*(answer(200, batch) for batch in batches)) as (url, seen):
        answers = predict(url, {"text": ["a", "b", "c"]}, batch_size=2)

    assert answers == [{"n": n, "m": n} for n in range(3)]
    assert [json.loads(body)["inputs"]["text"] for *_, body in seen] == [
        ["a", "b"],
        ["c"],
    ]


def test_no_inputs_are_no_request():
    with misbehaving(GOOD) as (url, seen):
        assert predict(url, {"text": []}) == []

    assert not seen


def test_bytes_are_decoded():
    outputs = {"raw_bytes": [[{"b64": "/w=="}, {"b64": ""}]], "text": ["ü"]}
    with misbehaving(answer(200, {"outputs": outputs})) as (url, _):
        assert predict(url, {"text": ["a"]}) == [
            {"raw_bytes": [b"\xff", b""], "text": "ü"}
        ]


def test_text_that_is_no_utf8():
    outputs = answer(200, b'{"outputs": {"word": ["ca\xfft"]}}')
    with misbehaving(outputs) as (url, _):
        assert predict(url, {"text": ["a"]}) == [{"word": "ca\ufffdt"}]


def test_an_only_output_gets_its_name_back():
    vectors = answer(200, {"outputs": [[1.0, 2.0]]})
    acts = [vectors, hang_up, answer(200, METADATA), vectors]
    with misbehaving(*acts) as (url, seen), RestClient(url, "mine") as client:
        for _ in range(2):
            answers = client.predict({"text": ["a"]}, signature_name="vector")
            assert answers == [{"embedding": [1.0, 2.0]}]

    assert [method for method, *_ in seen] == ["POST", "GET", "GET", "POST"]


@pytest.mark.parametrize(
    "act",
    [
        hang_up,
        break_off,
        *(answer(status, {}) for status in (429, 502, 503)),
        answer(400, {"error": "other shapes and padding is turned off."}),
    ],
)
def test_what_passes_is_tried_again(act):
    with misbehaving(act, act, GOOD) as (url, seen):
        assert predict(url, {"text": ["a"]}) == [ROW]

    assert len(seen) == 3


def test_a_server_that_never_recovers():
    with (
        misbehaving(answer(503, {"error": "busy"})) as (url, seen),
        pytest.raises(Unavailable, match="The server answered 503: busy"),
    ):
        predict(url, {"text": ["a"]})

    assert len(seen) == retries.MAX_ATTEMPTS


def test_nobody_is_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(Unavailable, match=r"received none .*; is the server there"):
        predict(f"http://127.0.0.1:{port}", {"text": ["a"]})


@pytest.mark.parametrize("act", [say_nothing, drip])
def test_a_deadline(act):
    began = time.monotonic()
    with misbehaving(act) as (url, seen):
        with pytest.raises(DeadlineExceeded, match=r"within 0\.4 seconds"):
            predict(url, {"text": ["a"]}, timeout_seconds=0.4)
        assert time.monotonic() - began < 10

    assert len(seen) == 1


def test_the_deadline_is_that_of_all_attempts(monkeypatch):
    monkeypatch.setattr(retries, "_FIRST_SECONDS", 60.0)
    began = time.monotonic()
    with misbehaving(hang_up) as (url, _), pytest.raises(DeadlineExceeded):
        predict(url, {"text": ["a"]}, timeout_seconds=0.5)

    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            answer(400, {"error": "no such signature"}),
            InvalidRequest,
            "400: no such sign",
        ),
        (answer(413, {"error": "too long"}), InvalidRequest, "413: too long"),
        (
            answer(404, {"error": "Servable not found"}),
            NotFound,
            "404: Servable not found",
        ),
        (answer(500, {"error": "a defect"}), ServingError, "500: a defect"),
        (answer(504, {"error": "slow"}), DeadlineExceeded, "504: slow"),
        (answer(200, b"<html>"), ServingError, "200: <html>"),
        (answer(200, b"[]"), ServingError, r"200: \[\]"),
        (
            answer(200, {"outputs": {"a": [1, 2], "b": [1]}}),
            ServingError,
            "each of 1 input",
        ),
        (answer(200, {"predictions": [1]}), ServingError, "KeyError.*what server is"),
        (answer(200, {"outputs": {"a_bytes": ["a"]}}), ServingError, "what server is"),
        (answer(200, b"{}", {"Content-Encoding": "gzip"}), ServingError, "is damaged"),
    ],
)
def test_what_does_not_pass_is_told_at_once(act, error, message):
    with misbehaving(act) as (url, seen), pytest.raises(error, match=message):
        predict(url, {"text": ["a"]})

    assert len(seen) == 1


@pytest.mark.parametrize("inputs", [{}, {"question": ["a", "b"], "context": ["c"]}])
def test_inputs_that_differ_in_number(inputs):
    with pytest.raises(InvalidRequest, match="as many values of each input"):
        predict("http://127.0.0.1:1", inputs)


def test_metadata_without_the_signature():
    acts = [answer(200, {"outputs": [1]}), answer(200, METADATA)]
    with misbehaving(*acts) as (url, _), pytest.raises(ServingError, match="KeyError"):
        predict(url, {"text": ["a"]}, signature_name="other")


@pytest.mark.parametrize("text", ["abc", b"abc"])
def test_a_text_instead_of_a_list(text):
    with pytest.raises(InvalidRequest, match="a list of text, received one alone"):
        predict("http://127.0.0.1:1", {"text": text})


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_size_that_is_none(batch_size):
    with pytest.raises(InvalidRequest, match=f"at least 1, received {batch_size}"):
        predict("http://127.0.0.1:1", {"text": ["a"]}, batch_size=batch_size)


@pytest.mark.parametrize(
    "url",
    ["localhost:8501", "http://", "http://localhost:one", "ftp://localhost"],
)
def test_a_url_that_is_none(url):
    with pytest.raises(InvalidRequest, match=f"received {re.escape(repr(url))}"):
        RestClient(url, "mine")


def test_what_json_does_not_have():
    with pytest.raises(InvalidRequest, match="texts or numbers, received set"):
        predict("http://127.0.0.1:1", {"text": [{"a"}]})


def test_status():
    states = [
        {"version": "2", "state": "LOADING"},
        {"version": "1", "state": "AVAILABLE"},
    ]
    acts = [hang_up, answer(200, {"model_version_status": states})]
    with misbehaving(*acts) as (url, _), RestClient(url, "mine") as client:
        assert client.status() == {2: "LOADING", 1: "AVAILABLE"}
