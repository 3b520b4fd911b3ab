"""Hugging Face's BertForMaskedLM in a plain PyTorch loop.

    python -m benchmarks.pretraining.systems.transformers JOB

JOB is a `Job` as JSON; the last line is an outcome as JSON. The masks are those of
DataCollatorForLanguageModeling; the rate falls linearly to 0 and gradients are clipped to
a norm of 1, as in the library's Trainer.
"""

import pathlib

import numpy as np
import torch
import transformers

from benchmarks.pretraining.job import MASKED_LM_PROB, Clock, Job, Outcome, evaluate
from benchmarks.training.systems.transformers import library_config
from bert_tf.config import BertConfig


def main() -> None:
    """Trains, evaluates and saves the weights."""
    job = Job.from_arguments()
    transformers.set_seed(0)
    model = masked_lm(job.model()).train()
    rows = job.train_rows()
    batches = loader(job, rows)
    clock = Clock(minutes=job.minutes)
    num_steps = train(
        model,
        batches,
        clock,
        learning_rate=job.learning_rate,
        dtype=getattr(torch, job.dtype),
    )
    seconds = clock.seconds
    job.save_weights(
        {name: values.numpy() for name, values in model.state_dict().items()}
    )
    model.eval()
    Outcome(
        num_steps=num_steps,
        num_tokens=round(num_steps * job.batch_size * (rows > 0).sum(1).mean()),
        seconds=seconds,
        **evaluate(job, lambda batch: predict(model, batch)),
    ).print()


def masked_lm(config: BertConfig) -> transformers.BertForMaskedLM:
    """The library's own model."""
    # What BertConfig calls gelu_new, in one operation.
    return transformers.BertForMaskedLM(
        library_config(config, hidden_act="gelu_pytorch_tanh")
    )


def loader(job: Job, rows: np.ndarray) -> torch.utils.data.DataLoader:
    """Shuffled batches, each time with other masks."""
    vocab_file = str(pathlib.Path(job.data, "vocab.txt"))
    tokenizer = transformers.BertTokenizer(vocab_file)
    special = np.isin(rows, tokenizer.all_special_ids).astype(np.int64)
    examples = [
        {
            "input_ids": row,
            "attention_mask": row != tokenizer.pad_token_id,
            "special_tokens_mask": is_special,
        }
        for row, is_special in zip(rows.astype(np.int64), special, strict=True)
    ]
    return torch.utils.data.DataLoader(
        examples,
        batch_size=job.batch_size,
        shuffle=True,
        drop_last=True,
        collate_fn=transformers.DataCollatorForLanguageModeling(
            tokenizer, mlm_probability=MASKED_LM_PROB
        ),
    )


def train(
    model: transformers.BertForMaskedLM,
    batches: torch.utils.data.DataLoader,
    clock: Clock,
    *,
    learning_rate: float,
    dtype: torch.dtype,
) -> int:
    """Trains until the time is over; returns the number of steps."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=learning_rate, weight_decay=0.0, fused=True
    )
    num_steps = 0
    while True:
        for batch in batches:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * clock.share_left
            with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
                loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            num_steps += 1
            if not clock.share_left:
                return num_steps


@torch.no_grad()
def predict(
    model: transformers.BertForMaskedLM, batch: dict[str, np.ndarray]
) -> np.ndarray:
    """Logits [B, P, V] of the masked positions."""
    logits_BSV = model(
        input_ids=torch.from_numpy(batch["input_word_ids"]).long(),
        attention_mask=torch.from_numpy(batch["input_mask"]).long(),
        token_type_ids=torch.from_numpy(batch["input_type_ids"]).long(),
    ).logits.numpy()
    return np.take_along_axis(logits_BSV, batch["masked_lm_positions"][..., None], axis=1)


if __name__ == "__main__":
    main()
