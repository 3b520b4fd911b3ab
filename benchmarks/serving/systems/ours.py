"""Our SavedModel in a session, which is how TF Serving runs it, without Keras.

    python -m benchmarks.serving.systems.ours JOB

JOB is a `Job` as JSON; the last line is a measurement as JSON. Of TF Text there is what
the export's manifest names: its Python package would bring Keras.
"""

import importlib.util
import json
import pathlib

import numpy as np
import tensorflow as tf

from benchmarks.serving import measuring
from benchmarks.serving.job import Job


class Ours:
    """See measuring.System."""

    def __init__(self, job: Job):
        path = pathlib.Path(job.model, "1")
        manifest = (path / "assets.extra/export_manifest.json").read_text()
        text_ops = pathlib.Path(
            importlib.util.find_spec("tensorflow_text").origin
        ).with_name("python")
        for library in json.loads(manifest)["text_libraries"]:
            tf.load_op_library(str(text_ops / "ops" / library))
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            loaded = tf.compat.v1.saved_model.load(
                self._session, [tf.saved_model.SERVING], str(path)
            )
        self._signatures = loaded.signature_def

    def tokenize(self, texts: list[str]) -> dict[str, np.ndarray]:
        """See System."""
        return self._ask("preprocess", texts)

    def answer(self, texts: list[str]) -> np.ndarray:
        """See System."""
        return self._ask("serving_default", texts)["probabilities"]

    def _ask(self, name: str, texts: list[str]) -> dict[str, np.ndarray]:
        signature = self._signatures[name]
        outputs = {name: each.name for name, each in signature.outputs.items()}
        return self._session.run(outputs, {signature.inputs["text"].name: texts})


if __name__ == "__main__":
    measuring.run(Ours)
