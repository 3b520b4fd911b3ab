"""Writes a run's model as a SavedModel that TF Serving can load.

EXPORT_DIR/1/saved_model.pb
             variables/            the weights, once
             assets/vocab.txt
             assets.extra/export_manifest.json
"""

import dataclasses
import json
import os
import platform
import uuid

import keras
import numpy as np
import tensorflow as tf
import tensorflow_text
from absl import logging
from tensorflow.core.protobuf import saved_model_pb2

import bert_tf
from bert_tf.config import BertConfig
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.errors import UserError
from bert_tf.files import make_folder, write_atomically
from bert_tf.modeling.checkpoints.run_dir import VOCAB_FILE, load_run
from bert_tf.serving.signatures import pretrained_signatures
from bert_tf.tasks.fill_mask import MASK

MANIFEST_FILE = os.path.join("assets.extra", "export_manifest.json")
MANIFEST_FORMAT = 1
GOLDEN_TEXTS = (f"The {MASK} of the {MASK}.", "Naïve café, 日本語 — déjà vu!", "")
TOLERANCE = 1e-4  # between the exported graph and the model it was made of


def export(
    workdir: str, export_dir: str, *, max_seq_length: int | None = None, top_k: int = 5
) -> str:
    """Exports the newest checkpoint of a run under the next free version number.

    The result is loaded again and compared with the model before it gets its name.

    Args:
        workdir: folder of a run.
        export_dir: folder of the versions, which a server is given.
        max_seq_length: tokens after which a text is cut off; without it the model's
            max_position_embeddings.
        top_k: answers for a mask.

    Returns:
        The path of the new version.

    Raises:
        UserError: the run has no checkpoint, a number is out of range, or the folder
            cannot be written.
        RuntimeError: the exported graph gives other numbers than the model.
    """
    model, vocabulary, checkpoint = load_run(workdir)
    max_seq_length = max_seq_length or model.config.max_position_embeddings
    _check_options(model.config, max_seq_length=max_seq_length, top_k=top_k)
    make_folder(export_dir)

    # Build.
    module = tf.Module()
    # The plain variables: a Keras model among the attributes would be saved beside them
    # with all its objects.
    module.weights = [variable.value for variable in model.variables]
    module.vocabulary = tf.saved_model.Asset(os.path.join(workdir, VOCAB_FILE))
    module.tokenizer = BertTokenizer(vocabulary, lower_case=model.config.do_lower_case)
    functions = {
        name: function.get_concrete_function()
        for name, function in pretrained_signatures(
            model, module.tokenizer, max_seq_length=max_seq_length, top_k=top_k
        ).items()
    }
    golden = _golden(functions)

    # Save, verify, name.
    temporary = os.path.join(export_dir, f"tmp-{uuid.uuid4().hex}")
    try:
        tf.saved_model.save(
            module,
            temporary,
            signatures={"serving_default": functions["fill_mask"]} | functions,
            options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
        )
        _verify(temporary, golden)
        manifest = {
            "format": MANIFEST_FORMAT,
            "checkpoint": os.path.basename(checkpoint),
            "model": dataclasses.asdict(model.config),
            "vocab_digest": vocabulary.digest,
            "max_seq_length": max_seq_length,
            "top_k": top_k,
            "versions": _versions(),
            "ops": ops_of(temporary),
            "golden": golden,
        }
        make_folder(os.path.dirname(os.path.join(temporary, MANIFEST_FILE)))
        write_atomically(
            os.path.join(temporary, MANIFEST_FILE), json.dumps(manifest).encode()
        )
        version_dir = os.path.join(export_dir, str(_next_version(export_dir)))
        tf.io.gfile.rename(temporary, version_dir)
    except tf.errors.OpError as error:
        raise UserError(
            f"Expected a folder that can be written, received {export_dir!r} "
            f"({type(error).__name__}); choose another or make room."
        ) from error
    finally:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.rmtree(temporary)
    logging.info("exported %s of %s to %s", manifest["checkpoint"], workdir, version_dir)
    return version_dir


def ops_of(saved_model_dir: str) -> list[str]:
    """The names of all operations in a SavedModel's graph and functions, sorted."""
    saved_model = saved_model_pb2.SavedModel()
    with tf.io.gfile.GFile(os.path.join(saved_model_dir, "saved_model.pb"), "rb") as file:
        saved_model.ParseFromString(file.read())
    names = set()
    for meta_graph in saved_model.meta_graphs:
        names.update(node.op for node in meta_graph.graph_def.node)
        for function in meta_graph.graph_def.library.function:
            names.update(node.op for node in function.node_def)
    return sorted(names)


def _check_options(config: BertConfig, *, max_seq_length: int, top_k: int) -> None:
    longest = config.max_position_embeddings
    if not 3 <= max_seq_length <= longest:
        raise UserError(
            f"max_seq_length: expected 3 to the model's max_position_embeddings={longest}"
            f", received {max_seq_length}; change it."
        )
    if not 1 <= top_k <= config.vocab_size:
        raise UserError(
            f"top_k: expected 1 to the vocabulary's {config.vocab_size}, received "
            f"{top_k}; change it."
        )


def _golden(functions) -> list[dict]:
    """Inputs of every signature and what the model answers to them."""
    text = {"text": tf.constant(GOLDEN_TEXTS)}
    ids = np.array([[2, 3, 1, 0], [3, 1, 2, 1]], "int32")
    inputs = {
        "fill_mask": text,
        "embed": text,
        "encode": {
            "input_word_ids": tf.constant(ids),
            "input_mask": tf.constant(np.minimum(ids, 1)),
            "input_type_ids": tf.constant([[0, 0, 0, 0], [0, 0, 1, 1]]),
        },
    }
    return [
        {
            "signature": name,
            "inputs": _to_lists(inputs[name]),
            "outputs": _to_lists(functions[name](**inputs[name])),
        }
        for name in inputs
    ]


def _verify(saved_model_dir: str, golden: list[dict]) -> None:
    signatures = tf.saved_model.load(saved_model_dir).signatures
    for case in golden:
        function = signatures[case["signature"]]
        _, specs = function.structured_input_signature
        answers = _to_lists(
            function(
                **{
                    name: tf.constant(values, specs[name].dtype)
                    for name, values in case["inputs"].items()
                }
            )
        )
        for name, expected in case["outputs"].items():
            if not _equal(np.array(answers[name]), np.array(expected)):
                raise RuntimeError(
                    f"Expected the SavedModel's {case['signature']} to give the model's "
                    f"{name}, received other values."
                )


def _equal(received: np.ndarray, expected: np.ndarray) -> bool:
    if received.shape != expected.shape:
        return False
    if expected.dtype.kind == "f":
        return np.allclose(received, expected, rtol=0, atol=TOLERANCE)
    return np.array_equal(received, expected)


def _to_lists(tensors: dict[str, tf.Tensor]) -> dict[str, list]:
    lists = {}
    for name, tensor in tensors.items():
        values = tensor.numpy()
        if values.dtype == object:
            values = np.char.decode(values.astype("S"), "utf-8")
        lists[name] = values.tolist()
    return lists


def _next_version(export_dir: str) -> int:
    names = (name.rstrip("/") for name in tf.io.gfile.listdir(export_dir))
    return max((int(name) for name in names if name.isdigit()), default=0) + 1


def _versions() -> dict[str, str]:
    return {
        "bert_tf": bert_tf.__version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "tensorflow_text": tensorflow_text.__version__,
        "keras": keras.__version__,
    }
