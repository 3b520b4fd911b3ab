"""Predict of TF Serving's PredictionService."""

from concurrent import futures

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from bert_tf.errors import UserError
from bert_tf.serving.local.errors import RequestError
from bert_tf.serving.local.models import ServedModel, unknown_label
from bert_tf.serving.protocol import DEFAULT_SIGNATURE

_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}
_NUM_THREADS = 8


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers Predict; the other calls are not there.

    Args:
        served: what answers.
    """

    def __init__(self, served: ServedModel):
        self._served = served

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """See TF Serving's prediction_service.proto."""
        try:
            return self._predict(request)
        except RequestError as error:
            context.abort(_STATUS_CODES[error.code], error.message)

    def _predict(
        self, request: predict_pb2.PredictRequest
    ) -> predict_pb2.PredictResponse:
        spec = request.model_spec
        if spec.HasField("version_label"):
            raise unknown_label(spec.version_label)
        version = spec.version.value if spec.HasField("version") else None
        model = self._served.get(spec.name, version)
        inputs = {name: _to_array(name, proto) for name, proto in request.inputs.items()}
        outputs = model.run(spec.signature_name, inputs)
        wanted = request.output_filter or outputs
        for name in wanted:
            if name not in outputs:
                raise RequestError(
                    f"output tensor alias not found in signature: {name} Outputs "
                    f"expected to be in the set {{{','.join(sorted(outputs))}}}."
                )
        response = predict_pb2.PredictResponse(
            outputs={name: tf.make_tensor_proto(outputs[name]) for name in wanted}
        )
        response.model_spec.name = spec.name
        response.model_spec.signature_name = spec.signature_name or DEFAULT_SIGNATURE
        response.model_spec.version.value = model.version
        return response


def _to_array(name: str, proto: TensorProto) -> np.ndarray:
    try:
        return tf.make_ndarray(proto)
    # A type that is none, or other values than its shape and type promise.
    except (KeyError, MemoryError, TypeError, ValueError) as error:
        raise RequestError(f"tensor parsing error: {name}") from error


def start_grpc(
    served: ServedModel, *, host: str, port: int, max_message_bytes: int
) -> tuple[grpc.Server, int]:
    """Starts a server in threads of its own.

    Args:
        served: what answers.
        host: address to listen at.
        port: 0 for a free one.
        max_message_bytes: of a request.

    Returns:
        The server, to be stopped, and its port.

    Raises:
        UserError: the port is taken.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(_NUM_THREADS),
        options=[
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.so_reuseport", 0),  # two servers at a port would share its requests
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(served), server
    )
    address = f"[{host}]" if ":" in host else host
    try:
        bound = server.add_insecure_port(f"{address}:{port}")
    except RuntimeError as error:
        raise UserError(
            f"--grpc_port: expected a free port of {host}, received {port}; choose "
            "another."
        ) from error
    server.start()
    return server, bound
