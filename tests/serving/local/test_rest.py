"""The REST interface beside what TF Serving's own documentation says.

https://github.com/tensorflow/serving/blob/master/tensorflow_serving/g3doc/api_rest.md
"""

import base64
import gzip
import json
import socket
import threading

import httpx2
import pytest
import tensorflow as tf

from bert_tf.serving.local import app as app_module
from tests.serving import doubles
from tests.serving.local.running import running


def half_plus_three():
    spec = tf.TensorSpec([None], tf.float32, name="x")
    return lambda x: {"y": x / 2 + 3}, [spec]


def three_inputs():
    """The documentation's tag, signal and sensor."""
    specs = [
        tf.TensorSpec([None], tf.string, name="tag"),
        tf.TensorSpec([None, None], tf.int32, name="signal"),
        tf.TensorSpec([None, None, None], tf.int64, name="sensor"),
    ]

    def answer(tag, signal, sensor):
        return {
            "tag": tag,
            "total": tf.reduce_sum(signal, axis=1),
            "sensor": sensor,
            "raw_bytes": tf.strings.join([tag, b"\xff"]),
        }

    return answer, specs


def whole_batch():
    """An output that is not in rows."""
    return lambda text: {"text": text, "size": tf.size(text)}, doubles.text("text")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    doubles.save(
        folder / "3",
        serving_default=half_plus_three(),
        three=three_inputs(),
        whole=whole_batch(),
        fill_mask=doubles.fill_mask(),
        **doubles.examples(),
    )
    with running("half", folder) as address:
        yield f"{address}/v1/models/half"


def post(url, body, method="predict"):
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    response = httpx2.post(f"{url}:{method}", content=content, timeout=60)
    return response.status_code, response.json()


# --- Status and metadata --------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/versions/3"])
def test_status(url, path):
    response = httpx2.get(url + path)

    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "model_version_status": [
            {
                "version": "3",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


@pytest.mark.parametrize("path", ["/metadata", "/versions/3/metadata"])
def test_metadata(url, path):
    answer = httpx2.get(url + path).json()

    assert answer["model_spec"] == {"name": "half", "signature_name": "", "version": "3"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert signature["inputs"]["x"]["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}],
        "unknown_rank": False,
    }
    assert list(signature["outputs"]) == ["y"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/half/versions/4", "Could not find version 4 of model half"),
        ("/other", "Could not find any versions of model other"),
        ("/other/metadata", "Servable not found for request: Latest(other)"),
        (
            "/half/versions/4/metadata",
            "Servable not found for request: Specific(half, 4)",
        ),
    ],
)
def test_what_is_not_there(url, path, message):
    response = httpx2.get(url.removesuffix("/half") + path)

    assert (response.status_code, response.json()) == (404, {"error": message})


# --- Predict --------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/versions/3"])
def test_rows_of_an_only_input(url, path):
    """The documentation's example."""
    answer = post(url + path, {"instances": [1.0, 2.0, 5.0]})

    assert answer == (200, {"predictions": [3.5, 4.0, 5.5]})


def test_columns_of_an_only_input(url):
    assert post(url, {"inputs": [1, 2]}) == (200, {"outputs": [3.5, 4.0]})
    assert post(url, {"inputs": {"x": [1, 2]}}) == (200, {"outputs": [3.5, 4.0]})


def test_rows_of_several_inputs(url):
    """The documentation's example, its second row with a number more left out."""
    request = {
        "signature_name": "three",
        "instances": [
            {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
            {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
        ],
    }

    status, answer = post(url, request)

    assert status == 200
    assert answer["predictions"] == [
        {
            "tag": tag,
            "total": 15,
            "sensor": sensor,
            "raw_bytes": {"b64": base64.b64encode(tag.encode() + b"\xff").decode()},
        }
        for tag, sensor in (("foo", [[1, 2], [3, 4]]), ("bar", [[4, 5], [6, 8]]))
    ]


def test_columns_of_several_inputs(url):
    request = {
        "signature_name": "three",
        "inputs": {
            "tag": ["foo", {"b64": "YmFy"}],
            "signal": [[1, 2, 3, 4, 5], [3, 4, 1, 2, 5]],
            "sensor": [[[1, 2], [3, 4]], [[4, 5], [6, 8]]],
        },
    }

    status, answer = post(url, request)

    assert status == 200
    assert answer["outputs"]["tag"] == ["foo", "bar"]
    assert answer["outputs"]["total"] == [15, 15]


def test_a_row_may_be_base64(url):
    request = {"signature_name": "fill_mask", "instances": ["ü", {"b64": "W01BU0td"}]}

    _, answer = post(url, request)

    assert [row["num_masks"] for row in answer["predictions"]] == [0, 1]
    assert answer["predictions"][1]["tokens"] == [doubles.WORDS]


def test_floats_are_as_short_as_they_are_exact(url):
    _, answer = post(url, {"instances": ["[MASK]"], "signature_name": "fill_mask"})

    assert answer["predictions"][0]["probabilities"] == [[0.7, 0.2, 0.1]]


def test_text_that_is_not_utf8_is_answered(url):
    request = {"signature_name": "three", "inputs": {"tag": [{"b64": "/w=="}]}}
    request["inputs"] |= {"signal": [[1]], "sensor": [[[1]]]}

    status, answer = post(url, request)

    assert (status, answer["outputs"]["tag"]) == (200, ["�"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "JSON Parse error: "),
        ('{"instances": [1.0', "JSON Parse error: "),
        (b'{"instances": ["\xff"]}', "JSON Parse error: "),
        ("[" * 100_000, "JSON Parse error: "),
        ("[1]", "JSON Value: [1] Is not object"),
        ("{}", "Missing 'inputs' or 'instances' key"),
        ('{"inputs": [1], "instances": [1]}', "only one of 'inputs' or 'instances'"),
        ('{"instances": 1}', "'instances' to be an list/array"),
        ('{"instances": []}', "No values in 'instances' array"),
        (
            '{"instances": ["a"]}',
            'Value: "a" Type: String is not of expected type: float',
        ),
        ('{"instances": [null]}', "Type: Null is not of expected type: float"),
        ('{"instances": [true]}', "Type: True is not of expected type: float"),
        ('{"instances": [1, [2]]}', "Encountered list at unexpected level: 1"),
        ('{"instances": [[1, 2], [3]]}', "Encountered list at unexpected size: 1"),
        ('{"instances": [[1], 2]}', "found at incorrect level: 2"),
        ('{"instances": [[1]]}', "Expected input x to be float32 of shape (None,)"),
        ('{"inputs": ' + "[" * 65 + "]" * 65 + "}", "is nested in 65 levels"),
        ('{"inputs": ' + "[" * 1000 + "]" * 1000 + "}", "(deeply nested) is nested"),
        ('{"instances": [{"x": 1}, 2]}', "Expecting object but got list at item 1"),
        ('{"instances": [1, {"x": 2}]}', "Expecting value/list but got object at item 1"),
        ('{"instances": [{"z": 1}]}', "keys must be equal to: x"),
        ('{"inputs": {"z": [1]}}', "Missing named input: x in 'inputs' object."),
        ('{"signature_name": 1, "inputs": [1]}', "'signature_name' key must be a string"),
        (
            '{"signature_name": "no", "inputs": [1]}',
            'Serving signature name: "no" not found in signature def',
        ),
        ('{"signature_name": "three", "instances": ["a"]}', "instances is a plain list"),
        ('{"signature_name": "three", "inputs": ["a"]}', "inputs is a plain value/list"),
        (
            '{"signature_name": "fill_mask", "inputs": [{"b64": "?"}]}',
            "Unable to base64 decode",
        ),
        (
            '{"signature_name": "three", "inputs": {"tag": ["a"], "signal": [[1.5]], '
            '"sensor": [[[1]]]}}',
            "JSON Value: 1.5 Type: Number is not of expected type: int32",
        ),
        (
            '{"signature_name": "three", "inputs": {"tag": ["a"], "sensor": [[[1]]], '
            '"signal": [[3000000000]]}}',
            "JSON Value: 3000000000 Type: Number is not of expected type: int32",
        ),
        (
            '{"signature_name": "whole", "instances": ["a"]}',
            "Tensor name: size has no shape information",
        ),
    ],
)
def test_wrong_requests_are_told_what_is_wrong(url, body, message):
    status, answer = post(url, body)

    assert (status, list(answer)) == (400, ["error"])
    assert message in answer["error"]


def test_a_graph_that_refuses_its_inputs(url):
    status, answer = post(
        url, {"signature_name": "label", "inputs": ["no example"]}, "predict"
    )

    assert status == 400
    assert answer["error"].startswith("Could not parse example input")


def test_a_graph_that_refuses_inputs_which_are_no_utf8(url, caplog):
    example = base64.b64encode(b"\xff\xff").decode()

    status, answer = post(
        url, {"signature_name": "label", "inputs": [{"b64": example}]}, "predict"
    )

    assert (status, list(answer)) == (400, ["error"])
    assert "bytes that are none" in answer["error"]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/other:predict", "Servable not found for request: Latest(other)"),
        ("/half/versions/2:predict", "Servable not found for request: Specific(half, 2)"),
    ],
)
def test_a_model_that_is_not_there(url, path, message):
    response = httpx2.post(url.removesuffix("/half") + path, content="{}")

    assert (response.status_code, response.json()) == (404, {"error": message})


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ":predict"), ("GET", ""), ("GET", "/metadata")]
)
def test_labels_are_those_of_a_configuration(url, method, path):
    response = httpx2.request(method, f"{url}/labels/stable{path}")

    message = "Unrecognized servable version label: stable"
    assert (response.status_code, response.json()) == (400, {"error": message})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/half:predict"),
        ("PUT", "/v1/models/half:predict"),
        ("POST", "/v1/models/half"),
        ("POST", "/v1/models/half:guess"),
        ("GET", "/v1/models/half/versions/x"),
        ("GET", f"/v1/models/half/versions/{'9' * 5000}"),
    ],
)
def test_requests_of_another_form(url, method, path):
    response = httpx2.request(method, url.removesuffix("/v1/models/half") + path)

    assert response.status_code == 400
    assert response.json() == {"error": f"Malformed request: {method} {path}"}


# --- Classify and regress -------------------------------------------------------------


def test_classify(url):
    request = {
        "signature_name": "label",
        "examples": [{"text": "free"}, {"text": [{"b64": "aGk="}]}],
    }

    assert post(url, request, "classify") == (
        200,
        {"results": [[["ham", 0.1], ["spam", 0.9]], [["ham", 0.75], ["spam", 0.25]]]},
    )


def test_regress_with_a_context(url):
    request = {
        "signature_name": "length",
        "context": {"text": "four"},
        "examples": [{"other": 1}, {"more": [0.5, 1.5]}],
    }

    assert post(url, request, "regress") == (200, {"results": [4.0, 4.0]})


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"signature_name": "label"}, "key 'examples' is expected"),
        ({"signature_name": "label", "examples": [1]}, "Example must be JSON object"),
        (
            {"signature_name": "label", "examples": [{"text": [1, "a"]}]},
            "Feature: text has element with unexpected JSON type",
        ),
        ({"examples": [{"text": "a"}]}, "Expected a signature whose one input is inputs"),
        (
            {"signature_name": "length", "examples": [{"text": "a"}]},
            "Expected classification signature outputs classes or scores",
        ),
    ],
)
def test_wrong_examples(url, request_, message):
    status, answer = post(url, request_, "classify")

    assert status == 400
    assert message in answer["error"]


# --- Limits ---------------------------------------------------------------------------


def test_a_body_that_is_too_long(url):
    text = "a" * app_module.MAX_BODY_BYTES

    status, answer = post(url, {"signature_name": "fill_mask", "instances": [text]})

    assert status == 413
    assert "at most 10000000 bytes" in answer["error"]


def test_a_long_body(url):
    text = "a" * (app_module.MAX_BODY_BYTES - 100)

    status, _ = post(url, {"signature_name": "fill_mask", "instances": [text]})

    assert status == 200


def post_compressed(url, content):
    response = httpx2.post(
        f"{url}:predict", content=content, headers={"Content-Encoding": "gzip"}
    )
    return response.status_code, response.json()


def test_a_compressed_body(url):
    compressed = gzip.compress(b'{"instances": [1.0]}')

    assert post_compressed(url, compressed) == (200, {"predictions": [3.5]})


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"{}", 400, "Failed to uncompress the body"),
        (gzip.compress(b'{"instances": [1.0]}')[:-9], 400, "its end is missing"),
        (gzip.compress(b" " * (app_module.MAX_BODY_BYTES + 1)), 413, "10000000 bytes"),
        (gzip.compress(b" " * 10 * app_module.MAX_BODY_BYTES), 413, "10000000 bytes"),
    ],
    ids=["no gzip", "cut off", "too long", "ten times too long"],
)
def test_compressed_bodies_that_are_refused(url, content, status, message):
    received, answer = post_compressed(url, content)

    assert received == status
    assert message in answer["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/../app.py",
        "/%2e%2e/app.py",
        "/playground.js/../../app.py",
        "/page/index.html",
        "/v1/models/half/../../../etc/passwd",
    ],
)
def test_no_request_reads_a_file(url, path):
    host, port = url.split("/")[2].split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: connection.recv(4096), b""))

    assert answer.split()[1] in (b"400", b"404")
    assert b'{"error":' in answer


def test_a_connection_that_breaks_off(url, caplog):
    host, port = url.split("/")[2].split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v1/models/half:predict HTTP/1.1\r\nHost: x\r\n"
            b'Content-Length: 1000\r\n\r\n{"instances"'
        )

    assert post(url, {"instances": [1]}) == (200, {"predictions": [3.5]})
    assert not caplog.records


def test_it_answers_while_it_computes(url, monkeypatch):
    began, finish = threading.Event(), threading.Event()

    def slow(model, body):
        began.set()
        finish.wait(60)
        return b"{}"

    monkeypatch.setitem(app_module._ANSWERS, "predict", slow)
    thread = threading.Thread(target=post, args=[url, {"instances": [1]}])
    thread.start()

    assert began.wait(60)
    assert httpx2.get(url).status_code == 200
    finish.set()
    thread.join()


def test_a_defect_is_told_as_one(url, monkeypatch, caplog):
    def broken(model, body):
        raise KeyError("what")

    monkeypatch.setitem(app_module._ANSWERS, "predict", broken)

    assert post(url, {"instances": [1]}) == (500, {"error": "KeyError: 'what'"})
    assert "KeyError" in caplog.text


def test_other_pages_may_ask_only_if_they_are_let(url, tmp_path):
    doubles.save(tmp_path / "1", serving_default=half_plus_three())
    origin = {"Origin": "http://elsewhere.example"}

    assert "access-control-allow-origin" not in httpx2.get(url, headers=origin).headers
    with running("half", tmp_path, enable_cors=True) as address:
        open_url = f"{address}/v1/models/half"
        allowed = httpx2.get(open_url, headers=origin).headers
        wrong = httpx2.post(f"{open_url}:predict", content="{", headers=origin)
    assert allowed["access-control-allow-origin"] == "*"
    assert wrong.headers["access-control-allow-origin"] == "*"
