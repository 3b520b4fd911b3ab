"""Examples of a few words, as arrays."""

import numpy as np

from benchmarks.training.workload import Setting, Workload

VOCAB_SIZE = 50


def make(num_examples=12, length=16, num_predictions=2):
    """Arrays by the names of `input_pipeline.parse_masked`; examples differ in length."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, length + 1, num_examples)
    mask = (np.arange(length) < lengths[:, None]).astype(np.int32)
    shape = (num_examples, num_predictions)
    return {
        "input_word_ids": rng.integers(5, VOCAB_SIZE, mask.shape, np.int32) * mask,
        "input_mask": mask,
        "input_type_ids": np.zeros_like(mask),
        "masked_lm_positions": rng.integers(1, 4, shape, np.int32),
        "masked_lm_ids": rng.integers(5, VOCAB_SIZE, shape, np.int32),
        "masked_lm_weights": (rng.random(shape) < 0.7).astype(np.float32),
        "next_sentence_labels": rng.integers(0, 2, num_examples, np.int32),
    }


def workload(folder, *, dtype, batch_size):
    """A step or two of a tiny model on them."""
    path = folder / "16.npz"
    np.savez(path, **make())
    return Workload(
        setting=Setting("tiny", 16, dtype),
        vocab_size=VOCAB_SIZE,
        examples=str(path),
        batch_size=batch_size,
        warmup_seconds=0,
        seconds=0,
    )
