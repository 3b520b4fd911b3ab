"""Our SavedModel, which takes strings, in a process without Keras.

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
        self._loaded = tf.saved_model.load(str(path))

    def tokenize(self, texts: list[str]) -> dict[str, tf.Tensor]:
        """See System."""
        return self._loaded.signatures["preprocess"](text=tf.constant(texts))

    def answer(self, texts: list[str]) -> np.ndarray:
        """See System."""
        answer = self._loaded.signatures["serving_default"](text=tf.constant(texts))
        return answer["probabilities"].numpy()


if __name__ == "__main__":
    measuring.run(Ours)
