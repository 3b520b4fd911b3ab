"""What is in a SavedModel, or in the folder of its versions, seen without loading it."""

import os
from collections.abc import Iterator, Mapping

import tensorflow as tf
from tensorflow.core.framework import node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

SignatureDefs = Mapping[str, meta_graph_pb2.SignatureDef]


def versions_in(model_dir: str | os.PathLike[str]) -> dict[int, str]:
    """The paths of a model's versions, by their numbers."""
    if not tf.io.gfile.isdir(model_dir):
        return {}
    names = (name.rstrip("/") for name in tf.io.gfile.listdir(model_dir))
    paths = {
        int(name): os.path.join(model_dir, name)
        for name in names
        if name.isascii() and name.isdecimal()
    }
    return {version: path for version, path in paths.items() if tf.io.gfile.isdir(path)}


def signature_defs_of(path: str | os.PathLike[str]) -> SignatureDefs:
    """The signatures for serving, by name; empty if there are none."""
    return {
        name: signature
        for graph in read_saved_model(path).meta_graphs
        if tf.saved_model.SERVING in graph.meta_info_def.tags
        for name, signature in graph.signature_def.items()
    }


def ops_of(path: str) -> list[str]:
    """The names of all operations in a SavedModel's graph and functions, sorted."""
    return sorted({node.op for node in nodes_of(read_saved_model(path))})


def is_compiled_by_xla(path: str) -> bool:
    """Whether a part of the graph is to be compiled by XLA, which servers have off."""
    saved_model = read_saved_model(path)
    return any(
        item.attr["_XlaMustCompile"].b
        for items in (nodes_of(saved_model), _functions(saved_model))
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


def read_saved_model(path: str | os.PathLike[str]) -> saved_model_pb2.SavedModel:
    """The message in a SavedModel's folder."""
    file_name = os.path.join(path, tf.saved_model.SAVED_MODEL_FILENAME_PB)
    with tf.io.gfile.GFile(file_name, "rb") as file:
        return saved_model_pb2.SavedModel.FromString(file.read())


def _functions(saved_model: saved_model_pb2.SavedModel) -> Iterator:
    for meta_graph in saved_model.meta_graphs:
        yield from meta_graph.graph_def.library.function


def nodes_of(saved_model: saved_model_pb2.SavedModel) -> Iterator[node_def_pb2.NodeDef]:
    """The operations of the graph and of its functions."""
    for meta_graph in saved_model.meta_graphs:
        yield from meta_graph.graph_def.node
    for function in _functions(saved_model):
        yield from function.node_def
