"""What a server asks a model before it takes requests, and how it makes batches.

The first request of each shape would wait for what TensorFlow sets up lazily.
"""

import os
from collections.abc import Mapping, Sequence

import tensorflow as tf
from tensorflow_serving.apis import input_pb2, prediction_log_pb2

from bert_tf.serving.protocol import DEFAULT_SIGNATURE, EXAMPLES
from bert_tf.serving.samples import SHORT_ROWS, sample_inputs
from bert_tf.serving.signatures import Signatures
from bert_tf.serving.stored_warmup import WARMUP_FILE

BATCH_SIZES = (1, 2, 4, 8, 16, 32)  # that a server may make, smaller ones filled up
MAX_RECORDS = 1000  # that a server reads

# Without pad_variable_length_inputs: it pads with a tensor's first element.
BATCHING_PARAMS = "\n".join(
    [
        f"max_batch_size {{ value: {BATCH_SIZES[-1]} }}",
        "batch_timeout_micros { value: 2000 }",
        "max_enqueued_batches { value: 100 }",
        *(f"allowed_batch_sizes: {size}" for size in BATCH_SIZES),
        "",
    ]
)


def write_warmup(path: str, signatures: Signatures) -> None:
    """Writes requests as a TFRecord of PredictionLogs.

    The default signature is asked with every batch size, the others with one input.

    Args:
        path: of the SavedModel.
        signatures: of the model.
    """
    with tf.io.TFRecordWriter(os.path.join(path, WARMUP_FILE)) as writer:
        for name in signatures:
            inputs = sample_inputs(signatures, name, SHORT_ROWS)
            for size in BATCH_SIZES if name == DEFAULT_SIGNATURE else BATCH_SIZES[:1]:
                batch = {key: _repeat(values, size) for key, values in inputs.items()}
                writer.write(_log(name, batch).SerializeToString(deterministic=True))


def _log(name: str, inputs: Mapping[str, tf.Tensor]) -> prediction_log_pb2.PredictionLog:
    log = prediction_log_pb2.PredictionLog()
    if name == "classify":
        request = log.classify_log.request
        request.input.CopyFrom(_input(inputs[EXAMPLES].numpy()))
    elif name == "regress":
        request = log.regress_log.request
        request.input.CopyFrom(_input(inputs[EXAMPLES].numpy()))
    else:
        request = log.predict_log.request
        for key, values in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(values.numpy()))
    request.model_spec.signature_name = name
    return log


def _input(examples: Sequence[bytes]) -> input_pb2.Input:
    return input_pb2.Input(
        example_list=input_pb2.ExampleList(
            examples=[tf.train.Example.FromString(example) for example in examples]
        )
    )


def _repeat(values: tf.Tensor, size: int) -> tf.Tensor:
    """As many rows, taken from the first on and again."""
    return tf.gather(values, tf.range(size) % tf.shape(values)[0])
