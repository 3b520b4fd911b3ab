"""What is exported: the task and the model of a run, of pretraining or of fine-tuning."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import keras

from bert_tf.config import BertConfig, FinetuneConfig, Sampling, TaskConfig
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints import run_dir
from bert_tf.tasks.fill_mask import FillMask
from bert_tf.tasks.finetuned import read_results, restore, set_sampling
from bert_tf.tasks.task import Task

# What the graph computes in, and Keras' name for it.
DTYPES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@dataclasses.dataclass(frozen=True)
class Servable:
    """A task with its model, and where both are from."""

    task: Task
    model: keras.Model
    config: FinetuneConfig  # of a pretraining only the task and the model
    workdir: str
    checkpoint: str  # name of the weights in the run
    figures: Mapping[str, Any]  # what the run measured in the end
    chosen: Mapping[str, Any]  # in place of the run's settings, which figures are of

    @property
    def dtype(self) -> str:
        """What the graph computes in and weights are stored in, of DTYPES or float16."""
        return self.config.model.dtype_policy.removeprefix("mixed_")


def load_servable(
    workdir: str,
    *,
    dtype: str | None = None,
    max_seq_length: int | None = None,
    top_k: int | None = None,
    sampling: Sampling | None = None,
) -> Servable:
    """Reads a run; one of pretraining fills masks.

    Args:
        workdir: folder of the run.
        dtype: of DTYPES; None for what the run was trained in.
        max_seq_length: tokens the model is to see at once; None for the task's, or all
            that a pretrained model can.
        top_k: words for a mask; None for the task's.
        sampling: see load_finetuned.

    Raises:
        UserError: the run has no checkpoint yet, or an option does not fit it.
    """
    pretrained = run_dir.read(workdir)
    if run_dir.is_finetuned(workdir):
        config = run_dir.read_finetune_config(workdir)
    else:
        longest = pretrained.config.max_position_embeddings
        config = FinetuneConfig(
            task=TaskConfig(name="fill_mask", max_seq_length=longest),
            model=pretrained.config,
        )
    config = _with_options(config, dtype=dtype, max_seq_length=max_seq_length)
    config.task.validate(config.model)
    figures = read_results(workdir)
    task, model = restore(config, pretrained, figures)
    if top_k is not None:
        _set_top_k(task, config.model, top_k)
    if sampling is not None:
        set_sampling(task, sampling)
    checkpoint = os.path.basename(pretrained.source)
    chosen = {"dtype": dtype, "max_seq_length": max_seq_length, "sampling": sampling}
    return Servable(
        task,
        model,
        config,
        workdir,
        checkpoint,
        figures,
        {name: value for name, value in chosen.items() if value is not None},
    )


def _with_options(
    config: FinetuneConfig, *, dtype: str | None, max_seq_length: int | None
) -> FinetuneConfig:
    task, model = config.task, config.model
    if max_seq_length is not None:
        task = dataclasses.replace(task, max_seq_length=max_seq_length)
    if dtype is not None:
        model = dataclasses.replace(model, dtype_policy=DTYPES[dtype])
    return dataclasses.replace(config, task=task, model=model)


def _set_top_k(task: Task, model: BertConfig, top_k: int) -> None:
    if not isinstance(task, FillMask):
        raise UserError(
            f"top_k: expected none for {task.config.name}, whose answers have no such "
            f"number, received {top_k}; leave it out."
        )
    if not 1 <= top_k <= model.vocab_size:
        raise UserError(
            f"top_k: expected 1 to the vocabulary's {model.vocab_size}, received "
            f"{top_k}; change it."
        )
    task.top_k = top_k
