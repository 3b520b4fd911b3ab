"""The SavedModel of a model: written, and looked into without loading it."""

import os
import tempfile
from collections.abc import Iterator

import keras
import tensorflow as tf
from tensorflow.core.framework import node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2

from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import save_vocabulary
from bert_tf.modeling.checkpoints.run_dir import VOCAB_FILE
from bert_tf.serving.signatures import Signatures

VARIABLES_DIR = "variables"
_GRAPH_FILE = "saved_model.pb"


def write_saved_model(
    path: str, *, model: keras.Model, tokenizer: BertTokenizer, signatures: Signatures
) -> None:
    """Writes the weights, once, the graph, and the vocabulary as an asset.

    Args:
        path: folder that is not there yet.
        model: whose weights the signatures use.
        tokenizer: which they use.
        signatures: concrete functions.
    """
    module = tf.Module()
    # The plain variables: a Keras model among the attributes would be saved beside them
    # with all its objects.
    module.weights = [variable.value for variable in model.variables]
    module.tokenizer = tokenizer
    with tempfile.TemporaryDirectory() as folder:
        vocab_file = os.path.join(folder, VOCAB_FILE)
        save_vocabulary(tokenizer.vocabulary, vocab_file)
        module.vocabulary = tf.saved_model.Asset(vocab_file)
        tf.saved_model.save(
            module,
            path,
            signatures=signatures,
            options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
        )


def ops_of(path: str) -> list[str]:
    """The names of all operations in a SavedModel's graph and functions, sorted."""
    return sorted({node.op for node in _nodes(_read(path))})


def is_compiled_by_xla(path: str) -> bool:
    """Whether a part of the graph is to be compiled by XLA, which servers have off."""
    saved_model = _read(path)
    return any(
        item.attr["_XlaMustCompile"].b
        for items in (_nodes(saved_model), _functions(saved_model))
        for item in items
        if "_XlaMustCompile" in item.attr
    )


def num_bytes(path: str) -> int:
    """The sizes of all files in a folder, and in those in it, together."""
    return sum(
        tf.io.gfile.stat(os.path.join(folder, name)).length
        for folder, _, names in tf.io.gfile.walk(path)
        for name in names
    )


def _read(path: str) -> saved_model_pb2.SavedModel:
    with tf.io.gfile.GFile(os.path.join(path, _GRAPH_FILE), "rb") as file:
        return saved_model_pb2.SavedModel.FromString(file.read())


def _functions(saved_model: saved_model_pb2.SavedModel) -> Iterator:
    for meta_graph in saved_model.meta_graphs:
        yield from meta_graph.graph_def.library.function


def _nodes(saved_model: saved_model_pb2.SavedModel) -> Iterator[node_def_pb2.NodeDef]:
    for meta_graph in saved_model.meta_graphs:
        yield from meta_graph.graph_def.node
    for function in _functions(saved_model):
        yield from function.node_def
