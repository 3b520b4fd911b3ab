"""What a SavedModel's folder says a server should ask before it answers."""

import os
from collections.abc import Iterator, Mapping

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from bert_tf.serving.protocol import EXAMPLES

WARMUP_FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")


def read_warmup(
    path: str | os.PathLike[str],
) -> Iterator[tuple[str, Mapping[str, tf.Tensor]]]:
    """The signature and the inputs of each request.

    Args:
        path: of the SavedModel; one without requests has none.
    """
    file_name = os.path.join(path, WARMUP_FILE)
    if not tf.io.gfile.exists(file_name):
        return
    for record in tf.data.TFRecordDataset(file_name).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        kind = log.WhichOneof("log_type")
        request = getattr(log, kind).request
        if kind == "predict_log":
            inputs = {
                name: tf.constant(tf.make_ndarray(proto))
                for name, proto in request.inputs.items()
            }
        else:
            examples = request.input.example_list.examples
            inputs = {
                EXAMPLES: tf.constant([each.SerializeToString() for each in examples])
            }
        yield request.model_spec.signature_name, inputs
