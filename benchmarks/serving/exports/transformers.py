"""Hugging Face's classifier and its tokenizer, as `save_pretrained` writes them.

    python -m benchmarks.serving.exports.transformers EXPORT

EXPORT is an `Export` as JSON.
"""

import sys

import torch
import transformers

from benchmarks.serving.job import Export
from bert_tf.config import from_json


def main() -> None:
    """Writes both."""
    job = from_json(Export, sys.argv[1])
    classifier(job).save_pretrained(job.output)
    tokenizer(job).save_pretrained(job.output)


def classifier(job: Export) -> transformers.BertForSequenceClassification:
    """The model, in the type that it is to compute in."""
    model = transformers.BertForSequenceClassification.from_pretrained(
        job.hugging_face,
        # PyTorch's own function, which takes a fraction of the time of `gelu_new`.
        hidden_act="gelu_pytorch_tanh",
    )
    return model.to(getattr(torch, job.dtype)).eval()


def tokenizer(job: Export) -> transformers.PreTrainedTokenizerFast:
    """The library's fast one."""
    return transformers.AutoTokenizer.from_pretrained(job.hugging_face)


if __name__ == "__main__":
    main()
