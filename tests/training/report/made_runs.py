"""Folders of runs, made without training."""

import dataclasses
import json

from bert_tf.config import (
    BertConfig,
    InputConfig,
    OptimizerConfig,
    PretrainConfig,
    PretrainingDataConfig,
    to_json,
)

STEPS_PER_LOG = 10
STEPS_PER_EVAL = 50
MASKED_LM_BASELINE = 0.05
NUM_HELD_OUT = 400
SENTENCE = {
    "tokens": ["[CLS]", "the", "[MASK]", "un", "##able", "[SEP]"],
    "position": 2,
    "label": "cat",
    "label_probability": 0.2,
    "top": [["dog", 0.31], ["cat", 0.2], ["##s", 0.1], ["of", 0.05], ["man", 0.001]],
}


def made_config(**changes):
    return PretrainConfig(
        **{
            "model": BertConfig(hidden_size=32, num_attention_heads=2),
            "input": InputConfig(data_dir="data", train_batch_size=10),
            "optimizer": OptimizerConfig(learning_rate=1e-3, warmup_steps=10),
            "num_train_steps": 200,
            "steps_per_log": STEPS_PER_LOG,
            "steps_per_checkpoint": STEPS_PER_EVAL,
            "steps_per_eval": STEPS_PER_EVAL,
        }
        | changes
    )


def split(name, num_examples, length=100, mean_tokens=80):
    return {
        "shards": [{"name": name, "num_examples": num_examples, "sha256": name * 8}],
        "counts": {
            "examples": num_examples,
            "example_tokens": num_examples * mean_tokens,
        },
        "histograms": {"example_tokens": [0] * (length + 1)},
    }


def made_data(*, held_out="held_out", **changes):
    return {
        "config": dataclasses.asdict(PretrainingDataConfig(max_seq_length=100)),
        "vocab_digest": "ab" * 32,
        "vocab_size": 30522,
        "splits": {
            "train": split("train", 1000),
            "held_out": split(held_out, NUM_HELD_OUT),
        },
        "long_splits": [],
        "baselines": {
            "masked_lm_accuracy": MASKED_LM_BASELINE,
            "masked_lm_perplexity": 800.0,
            "next_sentence_accuracy": 0.5,
        },
    } | changes


def train_line(step, **changes):
    return {
        "split": "train",
        "step": step,
        "masked_lm_loss": 8 - step / 50,
        "masked_lm_accuracy": step / 400,
        "next_sentence_loss": 0.7 - step / 1000,
        "next_sentence_accuracy": 0.5 + step / 500,
        "tokens_per_row": 80.0,
        "gradient_norm": 2.0,
        "learning_rate": 1e-3 * (1 - step / 200),
        "weight_norm": 20.0,
        "tokens_per_second": 12_000.0,
        "input_share": 0.01,
        "utilization": 0.4,
    } | changes


def held_out_line(step, **changes):
    return {
        "split": "held_out",
        "step": step,
        "masked_lm_loss": 8.1 - step / 50,
        "masked_lm_accuracy": step / 420,
        "next_sentence_loss": 0.7 - step / 1100,
        "next_sentence_accuracy": 0.5 + step / 550,
    } | changes


def lines(last_step=200, *, train=None, held_out=None):
    """What a run writes that learns evenly, but for some figures.

    Args:
        last_step: of the lines.
        train: figures of all lines of training.
        held_out: figures of each evaluation by step.
    """
    found = []
    for step in range(STEPS_PER_LOG, last_step + 1, STEPS_PER_LOG):
        found.append(train_line(step, **train or {}))
        if step % STEPS_PER_EVAL == 0:
            found.append(held_out_line(step, **(held_out or {}).get(step, {})))
    return found


def write_run(
    folder, *, metrics=None, predictions=None, results=None, config=None, data=None
):
    """Writes a folder and gives its path; what is not said is as usual."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(to_json(config or made_config()))
    (folder / "data_manifest.json").write_text(json.dumps(data or made_data()))
    if metrics is None:
        metrics = lines()
    if predictions is None:
        predictions = [
            {"split": "held_out", "step": line["step"], "sentences": [SENTENCE]}
            for line in metrics
            if line["split"] == "held_out"
        ]
    for name, content in (("metrics", metrics), ("predictions", predictions)):
        text = "".join(json.dumps(line) + "\n" for line in content)
        (folder / f"{name}.jsonl").write_text(text)
    if results:
        (folder / "results.json").write_text(json.dumps(results))
    return str(folder)
