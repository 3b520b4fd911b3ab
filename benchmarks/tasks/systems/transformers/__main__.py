"""Hugging Face's BERTs with heads, in a plain PyTorch loop.

    python -m benchmarks.tasks.systems.transformers JOB

JOB is a `Job` as JSON; the last line is an outcome as JSON. Optimizer and schedule are
those of the library's Trainer; batches are drawn at random and padded to their longest
sequence, as in its examples.
"""

import json
import math
import pathlib
from collections.abc import Iterator, Sequence

import torch
import transformers

from benchmarks.tasks.job import Job, Outcome
from benchmarks.tasks.systems.transformers.batches import Row
from benchmarks.tasks.systems.transformers.peer_task import PeerTask
from benchmarks.tasks.systems.transformers.question_answering import QuestionAnswering
from benchmarks.tasks.systems.transformers.seq2seq import Seq2Seq
from benchmarks.tasks.systems.transformers.sequences import (
    Classification,
    MultipleChoice,
    Regression,
)
from benchmarks.tasks.systems.transformers.tokens import Summarisation, Tagging
from bert_tf.config import FinetuneConfig, OptimizerConfig

_TASKS: dict[str, type[PeerTask]] = {
    "classification": Classification,
    "pair_classification": Classification,
    "pair_regression": Regression,
    "tagging": Tagging,
    "question_answering": QuestionAnswering,
    "multiple_choice": MultipleChoice,
    "summarisation": Summarisation,
    "seq2seq": Seq2Seq,
}


def main() -> None:
    """Fine-tunes, and writes the answers after each epoch."""
    job = Job.from_arguments()
    config = job.config
    transformers.set_seed(config.seed)
    tokenizer = transformers.AutoTokenizer.from_pretrained(config.init_checkpoint)
    task = _TASKS[config.task.name](config, tokenizer)
    rows = task.encode(job.read_examples("train"))
    held_out = job.read_examples("eval")
    paths = []
    for epoch in train(task, rows, config):
        path = pathlib.Path(job.output, f"answers-{epoch}.jsonl")
        lines = (json.dumps(answer) + "\n" for answer in task.answer(held_out))
        path.write_text("".join(lines), encoding="utf-8")
        paths.append(str(path))
    Outcome(answers=paths).print()


def train(task: PeerTask, rows: Sequence[Row], config: FinetuneConfig) -> Iterator[int]:
    """Trains the task's model; yields each epoch's number, from 1, when it is over."""
    batches = torch.utils.data.DataLoader(
        rows, batch_size=config.train_batch_size, shuffle=True, collate_fn=task.collate
    )
    model = task.model
    num_steps = config.num_epochs * len(batches)
    optimizer = make_optimizer(model, config)
    schedule = transformers.get_linear_schedule_with_warmup(
        optimizer, math.ceil(config.warmup_share * num_steps), num_steps
    )
    for epoch in range(1, config.num_epochs + 1):
        model.train()
        for batch in batches:
            with task.precision():
                loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(
                model.parameters(), OptimizerConfig().clip_norm
            )
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        model.eval()
        yield epoch


def make_optimizer(
    model: transformers.PreTrainedModel, config: FinetuneConfig
) -> torch.optim.Optimizer:
    """AdamW that decays neither biases nor what normalises, as the Trainer does it."""
    groups = {True: [], False: []}
    for name, parameter in model.named_parameters():
        groups[not name.endswith("bias") and "LayerNorm" not in name].append(parameter)
    return torch.optim.AdamW(
        [
            {"params": groups[True], "weight_decay": config.weight_decay},
            {"params": groups[False], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        eps=OptimizerConfig().epsilon,
        fused=True,
    )


if __name__ == "__main__":
    main()
