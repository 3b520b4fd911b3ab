"""A fine-tuned model and all that it needs to answer, from its run's folder."""

import os
from collections.abc import Mapping
from typing import Any

import keras

from bert_tf.config import FinetuneConfig, Sampling
from bert_tf.data.task_files.opening import ending_of
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.errors import UserError
from bert_tf.files import read_json
from bert_tf.modeling.checkpoints import run_dir
from bert_tf.modeling.checkpoints.pretrained import Pretrained, assign
from bert_tf.tasks.registry import task_class
from bert_tf.tasks.seq2seq import Seq2Seq
from bert_tf.tasks.task import Task


def load_finetuned(
    workdir: str, *, sampling: Sampling | None = None
) -> tuple[Task, keras.Model]:
    """The task and the model of the best epoch.

    Args:
        workdir: of bert_tf.finetune; of one seed, where it was given several.
        sampling: how a task from text to text writes; without it greedily.

    Raises:
        UserError: the folder is no such run's, or has no whole epoch yet; its task does
            not write.
    """
    if not run_dir.is_finetuned(workdir):
        raise UserError(
            f"Expected the folder of a fine-tuning, received {workdir!r}, which is none; "
            "give the --workdir of bert_tf.finetune."
        )
    config = run_dir.read_finetune_config(workdir)
    task, model = restore(config, run_dir.read(workdir), read_results(workdir))
    if sampling is not None:
        set_sampling(task, sampling)
    return task, model


def trained_columns(workdir: str, path: str) -> Mapping[str, str]:
    """The columns that a run was told of its own files, of a file that ends like them.

    Args:
        workdir: of bert_tf.finetune.
        path: of other examples.
    """
    config = run_dir.read_finetune_config(workdir)
    own = config.train_file or config.eval_file
    return config.columns if ending_of(path) == ending_of(own) else {}


def set_sampling(task: Task, sampling: Sampling) -> None:
    """Tells a task from text to text how to write.

    Raises:
        UserError: the task writes nothing.
    """
    if not isinstance(task, Seq2Seq):
        raise UserError(
            "sampling: expected the run of a task that writes (seq2seq), received one of "
            f"{task.config.name}; leave it out."
        )
    task.sampling = sampling


def restore(
    config: FinetuneConfig, pretrained: Pretrained, results: Mapping[str, Any]
) -> tuple[Task, keras.Model]:
    """The task and the model of a run.

    Args:
        config: of the run; its `task`, `model` and `features` are looked at.
        pretrained: the run's weights.
        results: what the run measured in the end; empty if it has not ended.

    Raises:
        UserError: the model has variables that there are no weights for.
    """
    tokenizer = BertTokenizer(
        pretrained.vocabulary, lower_case=config.model.do_lower_case
    )
    task = task_class(config.task.name)(config.task, tokenizer)
    if results:
        task.calibrate(results)
    model = task.make_model(config.model, config.features)
    missing = assign(model, pretrained)
    if missing:
        raise UserError(
            f"Expected all weights of the model in {pretrained.source!r}, received none "
            f"for {', '.join(missing)}; fine-tune in another --workdir."
        )
    return task, model


def read_results(workdir: str) -> dict[str, Any]:
    """What a run measured in the end; empty if it has not ended."""
    return read_json(os.path.join(workdir, run_dir.RESULTS_FILE)) or {}
