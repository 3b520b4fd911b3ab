"""Golden inputs, answered in TensorFlow's C++ runtime, which TF Serving is built on.

A program in C, c_runtime.c, is built against the headers and libraries that are in
TensorFlow's Python package (on Linux), and runs as a process without Python.
"""

import atexit
import dataclasses
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from bert_tf.errors import UserError
from bert_tf.serving.golden import GoldenCase
from bert_tf.serving.stored_model import SignatureDefs, signature_defs_of

SOURCE = pathlib.Path(__file__).with_suffix(".c")
# What TF Text 2.13 added: servers before 2.20 are built with TF Text 2.12.
TEXT_LIBRARIES_SINCE_2_13 = ("_trimmer_ops.so", "_utf8_binarize_op.so")


@dataclasses.dataclass(frozen=True)
class CRuntime:
    """The program, built for one installation of TensorFlow."""

    program: str
    packages: pathlib.Path  # the folder of `tensorflow` and `tensorflow_text`

    def misses(
        self,
        path: str,
        cases: Sequence[GoldenCase],
        *,
        text_libraries: Iterable[str],
        tolerance: float,
    ) -> list[str]:
        """What a SavedModel answers otherwise than told, XLA's compilation disabled.

        Args:
            path: of the SavedModel.
            cases: what it is to answer.
            text_libraries: names of TF Text's libraries that are loaded before it.
            tolerance: between numbers, absolute up to 1 and relative beyond.

        Returns:
            At most one line: that the model does not load or lacks a signature, or the
            first answer that is another.
        """
        signatures = signature_defs_of(path)
        missing = _missing_names(cases, signatures)
        if missing:
            return missing
        text_ops = self.packages / "tensorflow_text" / "python" / "ops"
        ended = subprocess.run(
            [
                *(self.program, path, str(tolerance)),
                *(str(text_ops / name) for name in text_libraries),
            ],
            input=_to_input(cases, signatures),
            capture_output=True,
            check=False,
        )
        if ended.returncode == 0:
            return []
        # A crash says nothing itself; TensorFlow's log may.
        said = ended.stdout or b"exit code %d: %b" % (
            ended.returncode,
            ended.stderr[-1000:],
        )
        return [f"TensorFlow's C++ runtime: {said.decode(errors='replace')}"]


def c_runtime_misses(
    path: str,
    cases: Sequence[GoldenCase],
    *,
    text_libraries: Iterable[str],
    tolerance: float,
) -> list[str]:
    """CRuntime.misses in the TensorFlow that runs here, as in a server of 2.12 or later.

    Raises:
        UserError: there is no C compiler.
    """
    return installed_c_runtime().misses(
        path,
        cases,
        text_libraries=set(text_libraries) - {*TEXT_LIBRARIES_SINCE_2_13},
        tolerance=tolerance,
    )


@functools.cache  # linking takes seconds
def installed_c_runtime() -> CRuntime:
    """The program for the TensorFlow that runs here; as long as this process runs.

    Raises:
        UserError: there is no C compiler.
    """
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    packages = pathlib.Path(tf.__file__).parents[1]
    return build_c_runtime(os.path.join(folder, "c_runtime"), packages=packages)


def build_c_runtime(program: str, *, packages: str | os.PathLike[str]) -> CRuntime:
    """Builds the program.

    Args:
        program: where to.
        packages: folder of the packages `tensorflow` and `tensorflow_text`.

    Raises:
        UserError: there is no C compiler.
        RuntimeError: it fails.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise UserError(
            "Expected a C compiler, cc, on the PATH, received none; install one, such "
            "as gcc."
        )
    packages = pathlib.Path(packages).resolve()
    tensorflow = packages / "tensorflow"
    built = subprocess.run(
        [
            *(compiler, "-isystem", str(tensorflow / "include")),
            *(str(SOURCE), "-o", program),
            *("-L", str(tensorflow), f"-Wl,-rpath,{tensorflow}"),
            *("-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"),
            # What these two take from other libraries is looked up when they are loaded.
            "-Wl,--allow-shlib-undefined",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        raise RuntimeError(
            f"Expected {SOURCE.name} to build for the TensorFlow in {packages}, "
            f"received: {built.stderr}"
        )
    return CRuntime(program, packages)


def _missing_names(cases: Sequence[GoldenCase], signatures: SignatureDefs) -> list[str]:
    for case in cases:
        name = case["signature"]
        if name not in signatures:
            return [f"expected a signature {name}, received {sorted(signatures)}"]
        for what in ("inputs", "outputs"):
            received = getattr(signatures[name], what)
            if set(case[what]) - set(received):
                return [
                    f"{name}: expected the {what} {sorted(case[what])}, received "
                    f"{sorted(received)}"
                ]
    return []


def _to_input(cases: Sequence[GoldenCase], signatures: SignatureDefs) -> bytes:
    """The cases as c_runtime.c describes them."""
    items = [len(cases)]
    for case in cases:
        signature = signatures[case["signature"]]
        items.append(case["signature"])
        for values, tensors in (
            (case["inputs"], signature.inputs),
            (case["outputs"], signature.outputs),
        ):
            items.append(len(values))
            for name, value in values.items():
                items += [name, *_tensor_items(value, tensors[name])]
    return b"\n".join(map(_item_bytes, items))


def _tensor_items(values: list, tensor: meta_graph_pb2.TensorInfo) -> list:
    operation, index = tensor.name.split(":")
    array = np.array(values, tf.as_dtype(tensor.dtype).as_numpy_dtype)
    header = [operation, int(index), tensor.dtype, array.ndim, *array.shape]
    return header + array.ravel().tolist()


def _item_bytes(item: str | float) -> bytes:
    if not isinstance(item, str):
        return repr(item).encode()
    text = item.encode()
    return b"%d:%b" % (len(text), text)
