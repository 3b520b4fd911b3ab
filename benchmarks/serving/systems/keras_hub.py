"""KerasHub's classifier as a SavedModel, with its preprocessor before it.

    python -m benchmarks.serving.systems.keras_hub JOB

JOB is a `Job` as JSON; the last line is a measurement as JSON.
"""

import pathlib

import keras_hub
import numpy as np
import tensorflow as tf

from benchmarks.serving import measuring
from benchmarks.serving.job import Job


class KerasHub:
    """See measuring.System."""

    def __init__(self, job: Job):
        folder = pathlib.Path(job.model)
        tokenizer = keras_hub.models.BertTokenizer(
            str(folder / "vocabulary.txt"), lowercase=True
        )
        preprocessor = keras_hub.models.BertTextClassifierPreprocessor(
            tokenizer,
            # To which it fills up, and cuts off: here the length of all texts.
            sequence_length=job.setting.length,
        )

        # In a graph, as under `predict`; the SavedModel takes no mask of booleans.
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def preprocess(texts):
            inputs = preprocessor(texts)
            return {name: tf.cast(values, tf.int32) for name, values in inputs.items()}

        self._preprocess = preprocess
        self._loaded = tf.saved_model.load(str(folder / "saved_model"))

    def tokenize(self, texts: list[str]) -> dict[str, tf.Tensor]:
        """See System."""
        return self._preprocess(tf.constant(texts))

    def answer(self, texts: list[str]) -> np.ndarray:
        """See System."""
        probabilities = self._loaded.serve(self.tokenize(texts))
        return tf.cast(probabilities, tf.float32).numpy()


if __name__ == "__main__":
    measuring.run(KerasHub)
