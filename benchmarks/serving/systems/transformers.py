"""Hugging Face's classifier on PyTorch, with its fast tokenizer.

    python -m benchmarks.serving.systems.transformers JOB

JOB is a `Job` as JSON; the last line is a measurement as JSON.
"""

import numpy as np
import torch
import transformers

from benchmarks.serving import measuring
from benchmarks.serving.job import Job


class Transformers:
    """See measuring.System."""

    def __init__(self, job: Job):
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(job.model)
        self._model = transformers.AutoModelForSequenceClassification.from_pretrained(
            job.model, dtype=getattr(torch, job.setting.dtype)
        ).eval()

    def tokenize(self, texts: list[str]) -> transformers.BatchEncoding:
        """See System."""
        return self._tokenizer(texts, padding=True, truncation=True, return_tensors="pt")

    @torch.inference_mode()
    def answer(self, texts: list[str]) -> np.ndarray:
        """See System."""
        logits = self._model(**self.tokenize(texts)).logits
        return logits.float().softmax(dim=-1).numpy()


if __name__ == "__main__":
    measuring.run(Transformers)
