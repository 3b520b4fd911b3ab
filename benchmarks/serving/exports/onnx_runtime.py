"""Hugging Face's classifier as PyTorch writes it for ONNX, and its tokenizer.

    python -m benchmarks.serving.exports.onnx_runtime EXPORT

EXPORT is an `Export` as JSON.
"""

import pathlib
import sys

import torch

from benchmarks.serving.exports.transformers import classifier, tokenizer
from benchmarks.serving.job import Export
from bert_tf.config import from_json

# Neither axis of the inputs may have one place here, which would be taken for all.
_TEXTS = ["a good film", "a bad one"]


def main() -> None:
    """Writes both."""
    job = from_json(Export, sys.argv[1])
    output = pathlib.Path(job.output)
    tokens = tokenizer(job)
    inputs = dict(tokens(_TEXTS, padding=True, return_tensors="pt"))
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    torch.onnx.export(
        classifier(job),
        (),
        output / "model.onnx",
        kwargs=inputs,
        input_names=list(inputs),
        output_names=["logits"],
        dynamic_shapes=dict.fromkeys(inputs, axes),
    )
    tokens.backend_tokenizer.save(str(output / "tokenizer.json"))


if __name__ == "__main__":
    main()
