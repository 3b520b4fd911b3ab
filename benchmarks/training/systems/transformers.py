"""Hugging Face's BertForPreTraining in a plain PyTorch loop.

    python -m benchmarks.training.systems.transformers WORKLOAD [compiled]

WORKLOAD is a `Workload` as JSON; the last line is a measurement as JSON. `compiled`: by
torch.compile. Else batches are cut to their longest example, as the library's collators
pad them. The masked-LM head is on all positions, as in the library.
"""

import itertools
import sys
import time

import numpy as np
import torch
import transformers

from benchmarks.training.workload import Batches, Stopwatch, Workload
from bert_tf.config import BertConfig

_PRODUCT_SIZE = 2048
_NUM_PRODUCTS = 4


def main() -> None:
    """Trains and tells how fast."""
    workload = Workload.from_json(sys.argv[1])
    batches = Batches(workload)
    is_compiled = "compiled" in sys.argv
    dtype = getattr(torch, workload.setting.dtype)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = pretrainer(workload.model()).train().to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-4, weight_decay=0.01, fused=True
    )
    forward = torch.compile(model) if is_compiled else model
    stopwatch = Stopwatch(workload, batches)
    for step in itertools.count():
        inputs = {
            name: values.to(device)
            for name, values in for_model(batches[step], is_cut=not is_compiled).items()
        }
        with torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
            loss = forward(**inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()  # GPUs are waited for
        if stopwatch.step_done():
            break
    stopwatch.print_measurement(peak_flops=measure_peak_flops(dtype, device))


def pretrainer(config: BertConfig) -> transformers.BertForPreTraining:
    """The library's own model."""
    return transformers.BertForPreTraining(library_config(config))


def library_config(config: BertConfig, **others) -> transformers.BertConfig:
    """The same shape in the library's words; `others` are further fields."""
    return transformers.BertConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads,
        intermediate_size=config.intermediate_size,
        max_position_embeddings=config.max_position_embeddings,
        **others,
    )


def for_model(batch: dict[str, np.ndarray], *, is_cut: bool) -> dict[str, torch.Tensor]:
    """The batch under the library's names."""
    ids = batch["input_word_ids"]
    labels = np.full(ids.shape, -100, np.int64)
    rows, slots = np.nonzero(batch["masked_lm_weights"])
    positions = batch["masked_lm_positions"][rows, slots]
    labels[rows, positions] = batch["masked_lm_ids"][rows, slots]
    length = batch["input_mask"].sum(axis=1).max() if is_cut else ids.shape[1]
    of_tokens = {
        "input_ids": ids,
        "attention_mask": batch["input_mask"],
        "token_type_ids": batch["input_type_ids"],
        "labels": labels,
    }
    return {
        name: torch.from_numpy(values[:, :length]).long()
        for name, values in of_tokens.items()
    } | {"next_sentence_label": torch.from_numpy(batch["next_sentence_labels"]).long()}


def measure_peak_flops(dtype: torch.dtype, device: str) -> float:
    """Operations a second of a large product of matrices; see our speedometer."""
    x = torch.randn(_PRODUCT_SIZE, _PRODUCT_SIZE).to(device, dtype)
    torch.mm(x, x)[0, 0].item()  # warms up
    best = float("inf")
    for _ in range(_NUM_PRODUCTS):
        start = time.perf_counter()
        torch.mm(x, x)[0, 0].item()
        best = min(best, time.perf_counter() - start)
    return 2 * _PRODUCT_SIZE**3 / best


if __name__ == "__main__":
    main()
