"""The gRPC client, with the development server and with one that does not behave."""

import contextlib
import threading
from concurrent import futures

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.errors import UserError
from bert_tf.serving.client import retries
from bert_tf.serving.client.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from bert_tf.serving.client.grpc import GrpcClient
from bert_tf.serving.client.rest import RestClient
from bert_tf.serving.local.grpc_service import start_grpc
from bert_tf.serving.local.models import ServedModel
from tests.serving import doubles
from tests.serving.local.running import running, running_grpc


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(retries, "_FIRST_SECONDS", 0.005)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    doubles.save(
        folder / "4",
        serving_default=doubles.entities(),
        fill_mask=doubles.fill_mask(),
        score=doubles.score(),
        encode=doubles.encode(),
        label=doubles.examples()["label"],
    )
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with running_grpc("mine", folder) as address:
        yield address


@pytest.mark.parametrize(
    ("signature_name", "inputs"),
    [
        ("serving_default", {"text": ["Zoë met Bo", "nobody", ""]}),
        ("serving_default", {"text": ["Zoë", b"\xff"]}),
        ("serving_default", {"text": np.array(["Zoë", "Bo"])}),
        ("encode", {name: [np.array([1, 2, 3])] for name in ENCODER_INPUTS}),
        ("encode", {name: np.array([[1, 2]]) for name in ENCODER_INPUTS}),
        ("fill_mask", {"text": ["a [MASK] b [MASK]", "ü", "[MASK]"]}),
        ("score", {"text": ["a", "b"], "text_pair": ["a", "c"]}),
        ("encode", {name: [[1, 2, 3]] for name in ENCODER_INPUTS}),
        ("encode", {name: tf.constant([[1, 2, 3]]) for name in ENCODER_INPUTS}),
        ("serving_default", {"text": tf.constant(["Zoë", "Bo"])}),
    ],
)
def test_both_clients_answer_alike(folder, address, signature_name, inputs):
    options = {"signature_name": signature_name, "batch_size": 2}
    with GrpcClient(address, "mine") as client:
        grpc_answers = client.predict(inputs, **options)
    with running("mine", folder) as url, RestClient(url, "mine") as client:
        rest_answers = client.predict(inputs, **options)

    assert len(grpc_answers) == len(rest_answers)
    for grpc_answer, rest_answer in zip(grpc_answers, rest_answers, strict=True):
        assert grpc_answer.keys() == rest_answer.keys()
        for name, value in grpc_answer.items():
            tf.nest.map_structure(
                lambda a, b: (
                    a == (b if isinstance(b, str) else pytest.approx(b, rel=1e-6))
                ),
                value,
                rest_answer[name],
            )


def assert_equal(received, expected):
    for a, b in zip(tf.nest.flatten(received), tf.nest.flatten(expected), strict=True):
        assert type(a) is type(b)
        assert a == (pytest.approx(b, rel=1e-6) if isinstance(b, float) else b)


def test_answers_are_pythons_own(address):
    with GrpcClient(address, "mine", version=4) as client:
        [answer] = client.predict({"text": ["[MASK]"]}, signature_name="fill_mask")

    assert answer["tokens"] == [doubles.WORDS]
    assert answer["probabilities"][0] == pytest.approx([0.7, 0.2, 0.1])
    assert type(answer["num_masks"]) is int


@pytest.mark.parametrize(
    ("options", "inputs", "error", "message"),
    [
        ({"model_name": "other"}, {"text": ["a"]}, NotFound, r"Latest\(other\)"),
        (
            {"model_name": "mine", "version": 5},
            {"text": ["a"]},
            NotFound,
            r"Specific\(mine, 5\)",
        ),
        ({"model_name": "mine"}, {"txt": ["a"]}, InvalidRequest, "input size does not"),
        ({"model_name": "mine"}, {"text": [1]}, InvalidRequest, "text to be string"),
        ({"model_name": "mine"}, {"text": [["a"]]}, InvalidRequest, r"shape \(1, 1\)"),
        (
            {"model_name": "mine"},
            {"text": ["a" * 10**7]},
            InvalidRequest,
            "larger than max",
        ),
    ],
)
def test_what_the_server_refuses(address, options, inputs, error, message):
    with GrpcClient(address, **options) as client, pytest.raises(error, match=message):
        client.predict(inputs)


@pytest.mark.parametrize(
    "values", [[None], ["\ud800"], [[1, 2], [3]], [["a", "b"], ["c"]], ["a", 1], [10**30]]
)
def test_what_is_no_tensor(folder, address, values):
    with GrpcClient(address, "mine") as client, pytest.raises(InvalidRequest):
        client.predict({"text": values})
    with (
        running("mine", folder) as url,
        RestClient(url, "mine") as client,
        pytest.raises(InvalidRequest),
    ):
        client.predict({"text": values})


def test_labels_are_those_of_a_configuration(address):
    with (
        GrpcClient(address, "mine", version="stable") as client,
        pytest.raises(InvalidRequest, match="servable version label: stable"),
    ):
        client.predict({"text": ["a"]})


@pytest.mark.parametrize(
    "proto",
    [
        TensorProto(),
        TensorProto(dtype=types_pb2.DT_RESOURCE),
        TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=b"abc"),
        TensorProto(dtype=types_pb2.DT_STRING, string_val=[b"a", b"b"]),
    ],
    ids=["no type", "unknown type", "cut off", "more than its shape"],
)
def test_a_tensor_that_is_none(address, proto):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "mine"
    request.inputs["text"].CopyFrom(proto)
    with grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        with pytest.raises(grpc.RpcError) as caught:
            stub.Predict(request)

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "tensor parsing error: text"


def test_outputs_are_filtered(address):
    request = predict_pb2.PredictRequest(output_filter=["num_masks"])
    request.model_spec.name = "mine"
    request.model_spec.signature_name = "fill_mask"
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(["[MASK]"]))
    with grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        response = stub.Predict(request)

        request.output_filter.append("nothing")
        with pytest.raises(grpc.RpcError, match="alias not found in signature: nothing"):
            stub.Predict(request)

    assert list(response.outputs) == ["num_masks"]
    assert response.model_spec.version.value == 4


def test_a_port_that_is_taken(folder, address):
    port = int(address.split(":")[1])

    with pytest.raises(UserError, match=f"--grpc_port: expected a free port .* {port}"):
        start_grpc(
            ServedModel("mine", str(folder)),
            host="127.0.0.1",
            port=port,
            max_message_bytes=1,
        )


class Misbehaving(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Unavailable as often as it is told, then slow."""

    def __init__(self, num_unavailable, seconds, status):
        self.num_unavailable = num_unavailable
        self.status = status
        self.seconds = seconds
        self.num_calls = 0
        self.ended = threading.Event()

    def Predict(self, request, context):
        self.num_calls += 1
        if self.num_calls <= self.num_unavailable:
            context.abort(*self.status)
        self.ended.wait(self.seconds)
        return predict_pb2.PredictResponse(outputs=request.inputs)


@contextlib.contextmanager
def misbehaving(
    num_unavailable=0, seconds=0.0, status=(grpc.StatusCode.UNAVAILABLE, "not now")
):
    server = grpc.server(futures.ThreadPoolExecutor(2))
    service = Misbehaving(num_unavailable, seconds, status)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    service.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield service
    finally:
        service.ended.set()
        server.stop(None).wait()


def predict(service, inputs, **options):
    with GrpcClient(f"127.0.0.1:{service.port}", "mine") as client:
        return client.predict(inputs, **options)


@pytest.mark.parametrize(
    "status",
    [
        (grpc.StatusCode.UNAVAILABLE, "not now"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "timeout exceeded while waiting"),
        (grpc.StatusCode.FAILED_PRECONDITION, "other shapes and padding is turned off."),
    ],
)
def test_what_passes_is_tried_again(status):
    with misbehaving(num_unavailable=2, status=status) as service:
        assert predict(service, {"text": ["ü"]}) == [{"text": "ü"}]

    assert service.num_calls == 3


def test_a_server_that_never_recovers():
    with (
        misbehaving(num_unavailable=99) as service,
        pytest.raises(Unavailable, match="UNAVAILABLE: not now"),
    ):
        predict(service, {"text": ["a"]})

    assert service.num_calls == retries.MAX_ATTEMPTS


def test_a_deadline():
    with (
        misbehaving(seconds=30) as service,
        pytest.raises(DeadlineExceeded, match=r"within 5 seconds"),
    ):
        predict(service, {"text": ["a"]}, timeout_seconds=5)

    assert service.num_calls == 1
