"""The newest version of a model, which is replaced while it answers."""

import dataclasses
import gc
import pathlib
import re
import threading
import time
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the operations of the graphs
from absl import logging
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from bert_tf.errors import UserError
from bert_tf.serving.local.errors import RequestError
from bert_tf.serving.protocol import DEFAULT_SIGNATURE
from bert_tf.serving.stored_model import signature_defs_of, versions_in
from bert_tf.serving.stored_warmup import read_warmup

# TF Serving's own.
_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_BETWEEN_TRIES = 60.0

_OF_PYTHON = re.compile(
    r"Graph execution error:\s+Detected at node .*?<stack traces unavailable>\s+",
    re.DOTALL,
)


class Model:
    """A version that is loaded, and has been asked what it is to be warmed up with.

    Args:
        path: of the SavedModel.
        version: its number.

    Attributes:
        version: its number.
        signature_defs: its signatures by name, as they are stored.
    """

    def __init__(self, path: pathlib.Path, version: int):
        self.version = version
        self.signature_defs = signature_defs_of(path)
        # Its variables go when it goes.
        self._loaded = tf.saved_model.load(str(path))
        for name, inputs in read_warmup(path):
            self._loaded.signatures[name](**inputs)

    def signature_def(self, name: str) -> SignatureDef:
        """The inputs and outputs of a signature.

        Args:
            name: of it; "" for the default one.

        Raises:
            RequestError: there is none of that name.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self._loaded.signatures:
            raise RequestError(
                f'Serving signature name: "{name}" not found in signature def'
            )
        return self.signature_defs[name]

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Answers.

        Args:
            name: of the signature; "" for the default one.
            inputs: by name; strings are bytes in an array of objects.

        Returns:
            The outputs by name.

        Raises:
            RequestError: the inputs are not the signature's, or the graph refuses them.
        """
        expected = self.signature_def(name).inputs
        if set(inputs) != set(expected):
            raise RequestError(
                f"input size does not match signature: expected {sorted(expected)}, "
                f"received {sorted(inputs)}"
            )
        tensors = {
            key: _to_tensor(key, values, expected[key]) for key, values in inputs.items()
        }
        try:
            outputs = self._loaded.signatures[name or DEFAULT_SIGNATURE](**tensors)
        except tf.errors.OpError as error:
            raise RequestError(_reason(error), error.error_code) from error
        # TensorFlow's Python quotes what the graph refuses.
        except UnicodeDecodeError as error:
            raise RequestError(
                "Expected inputs that the graph can parse, received bytes that are none"
            ) from error
        return {key: tensor.numpy() for key, tensor in outputs.items()}


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """What became of a version; `state` is one of TF Serving's."""

    version: int
    state: str
    error_message: str = ""


@dataclasses.dataclass(frozen=True)
class _Failure:
    """Files that could not be loaded, and why; others are tried at once."""

    files: object
    message: str
    next_try: float  # time.monotonic()


class ServedModel:
    """The newest version in a folder that can be loaded.

    Args:
        name: by which clients ask for it.
        model_dir: folder of the numbered versions.

    Raises:
        UserError: no version can be loaded.
    """

    def __init__(self, name: str, model_dir: str):
        self.name = name
        self._model_dir = pathlib.Path(model_dir)
        self._current: Model | None = None
        self._loading: int | None = None
        self._failures: dict[int, _Failure] = {}  # by version
        self.refresh()
        if self._current is None:
            reasons = "; ".join(each.message for each in self._failures.values())
            raise UserError(
                f"Expected a folder with a SavedModel in a numbered folder such as 1, "
                f"received {model_dir!r}{f' ({reasons})' if reasons else ''}; give the "
                "--export_dir of bert_tf.export."
            )

    def get(self, name: str, version: int | None = None) -> Model:
        """The model that answers, which stays usable when another takes its place.

        Args:
            name: that a client asks for.
            version: the one to answer, or None for the newest.

        Raises:
            RequestError: this is not it.
        """
        model = self._current
        if name != self.name or version not in (None, model.version):
            asked = (
                f"Latest({name})" if version is None else f"Specific({name}, {version})"
            )
            raise RequestError(
                f"Servable not found for request: {asked}", tf.errors.NOT_FOUND
            )
        return model

    def statuses(self) -> list[VersionStatus]:
        """Of the versions that are loaded, being loaded or could not be, newest first."""
        states = {
            version: VersionStatus(version, "END", failure.message)
            for version, failure in list(self._failures.items())
        }
        loading, available = self._loading, self._current.version
        if loading is not None:
            states[loading] = VersionStatus(loading, "LOADING")
        states[available] = VersionStatus(available, "AVAILABLE")
        return [states[version] for version in sorted(states, reverse=True)]

    def watch(self, stop: threading.Event) -> None:
        """Refreshes until `stop` is set."""
        while not stop.wait(_SECONDS_BETWEEN_LOOKS):
            try:
                self.refresh()
            # The next look may see what this one did not.
            except (OSError, tf.errors.OpError) as error:
                logging.warning("Cannot look for versions: %s", error)

    def refresh(self) -> None:
        """Takes the newest version that can be loaded, unless it is here already."""
        paths = versions_in(self._model_dir)
        for version in self._failures.keys() - paths.keys():
            del self._failures[version]
        for version in sorted(paths, reverse=True):
            if self._current and version == self._current.version:
                return
            if self._load(pathlib.Path(paths[version]), version):
                return

    def _load(self, path: pathlib.Path, version: int) -> bool:
        """Whether it could be loaded; what has failed is left alone for a while."""
        files = _list_files(path)
        failure = self._failures.get(version)
        if failure and failure.files == files and time.monotonic() < failure.next_try:
            return False
        self._loading = version
        try:
            model = Model(path, version)
        # Whatever it is: the version before goes on answering.
        except Exception as error:
            message = " ".join(str(error).split())
            next_try = time.monotonic() + _SECONDS_BETWEEN_TRIES
            self._failures[version] = _Failure(files, message, next_try)
            logging.warning("Version %d cannot be loaded: %s", version, message)
            return False
        finally:
            self._loading = None
        self._failures.pop(version, None)
        self._current = model
        logging.info("Version %d of %s answers.", version, self.name)
        # A loaded graph holds itself in cycles, and Python does not know how large it is.
        gc.collect()
        return True


def unknown_label(label: str) -> RequestError:
    """What asking for a version by a label gives: only a configuration has labels."""
    return RequestError(f"Unrecognized servable version label: {label}")


def _reason(error: tf.errors.OpError) -> str:
    """What the graph says, without what Python says of itself before."""
    return _OF_PYTHON.sub("", error.message)


def _list_files(path: pathlib.Path) -> list[tuple[str, int, int]]:
    """Names, sizes and times: different when something has been written."""
    files = []
    for file in sorted(path.rglob("*")):
        try:
            stat = file.stat()
        except FileNotFoundError:  # gone meanwhile
            continue
        files.append((str(file), stat.st_size, stat.st_mtime_ns))
    return files


def _to_tensor(name: str, values: np.ndarray, info) -> tf.Tensor:
    dtype, shape = tf.as_dtype(info.dtype), tf.TensorShape(info.tensor_shape)
    received = tf.as_dtype(values.dtype)
    if received != dtype or not shape.is_compatible_with(values.shape):
        raise RequestError(
            f"Expected input {name} to be {dtype.name} of shape {shape}, received "
            f"{received.name} of shape {tf.TensorShape(values.shape)}"
        )
    return tf.constant(values, dtype)
