"""Hugging Face's classifier in ONNX Runtime, with the tokenizers library.

    python -m benchmarks.serving.systems.onnx_runtime JOB

JOB is a `Job` as JSON; the last line is a measurement as JSON.
"""

import os
import pathlib

import numpy as np
import onnxruntime
import tokenizers

from benchmarks.serving import measuring
from benchmarks.serving.job import Job


class OnnxRuntime:
    """See measuring.System."""

    def __init__(self, job: Job):
        folder = pathlib.Path(job.model)
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        self._session = onnxruntime.InferenceSession(
            folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )

    def tokenize(self, texts: list[str]) -> dict[str, np.ndarray]:
        """See System."""
        encodings = self._tokenizer.encode_batch(texts)
        return {
            "input_ids": np.array([each.ids for each in encodings], np.int64),
            "token_type_ids": np.array([each.type_ids for each in encodings], np.int64),
            "attention_mask": np.array(
                [each.attention_mask for each in encodings], np.int64
            ),
        }

    def answer(self, texts: list[str]) -> np.ndarray:
        """See System."""
        (logits,) = self._session.run(["logits"], self.tokenize(texts))
        exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return exponentials / exponentials.sum(axis=-1, keepdims=True)


if __name__ == "__main__":
    measuring.run(OnnxRuntime)
