"""gRPC, through the messages of tensorflow-serving-api, which needs TensorFlow."""

from collections.abc import Sequence
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from bert_tf.serving.client.client import Client, Columns
from bert_tf.serving.client.errors import (
    NOT_ALIKE,
    InvalidRequest,
    NotFound,
    ServingError,
    Unavailable,
)
from bert_tf.serving.client.retries import Deadline
from bert_tf.serving.protocol import BYTES_SUFFIX

_EXCEPTIONS = {
    grpc.StatusCode.FAILED_PRECONDITION: InvalidRequest,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Unavailable,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
}

_TOO_LONG = "message larger than max"  # of gRPC's own, also RESOURCE_EXHAUSTED


class GrpcClient(Client):
    """Asks a server's PredictionService, on a connection that is not encrypted.

    Args:
        address: of the server, such as localhost:8500.
        model_name: see Client.
        version: see Client.
    """

    def __init__(
        self, address: str, model_name: str, *, version: int | str | None = None
    ):
        super().__init__(model_name, version=version)
        # Answers have any size. A server that comes back is found by our own retries.
        self._channel = grpc.insecure_channel(
            address,
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_reconnect_backoff_ms", 1000),
            ],
        )
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def close(self) -> None:
        """See Client."""
        self._channel.close()

    def _ask(self, inputs: Columns, signature_name: str, deadline: Deadline) -> Columns:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self.model_name
        request.model_spec.signature_name = signature_name
        if isinstance(self.version, str):
            request.model_spec.version_label = self.version
        elif self.version is not None:
            request.model_spec.version.value = self.version
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(_to_proto(name, values))
        try:
            response = self._stub.Predict(request, timeout=deadline.remaining())
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                raise deadline.exceeded() from error
            raise _exception(error)(
                f"The server answered {error.code().name}: {error.details()}"
            ) from error
        return {
            name: _to_plain(name, tf.make_ndarray(proto))
            for name, proto in response.outputs.items()
        }


def _exception(error: grpc.RpcError) -> type[ServingError]:
    if NOT_ALIKE in error.details():
        return Unavailable
    if _TOO_LONG in error.details():
        return InvalidRequest
    return _EXCEPTIONS.get(error.code(), ServingError)


def _to_proto(name: str, values: Sequence[Any]) -> TensorProto:
    """A tensor of the values' own type, as a server makes one of their JSON form."""
    try:
        return tf.make_tensor_proto(_encode(values))
    except (TypeError, ValueError) as error:
        raise InvalidRequest(
            f"Expected {name} to be texts or numbers, in rows of one length, received "
            f"others ({error}); fill them up."
        ) from error


def _encode(value: Any) -> Any:
    """Texts as UTF-8, arrays as lists."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, np.ndarray | np.generic):
        return _encode(value.tolist())
    if isinstance(value, list | tuple):
        return [_encode(each) for each in value]
    return value


def _to_plain(name: str, values: np.ndarray) -> list:
    if values.dtype == object and not name.endswith(BYTES_SUFFIX):
        return np.vectorize(_decode, otypes=[object])(values).tolist()
    return values.tolist()


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "replace")
