"""A fine-tuned model and all that it needs to answer, from its run's folder."""

import json
import os

import keras

from bert_tf.config import Sampling
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.errors import UserError
from bert_tf.files import read_text
from bert_tf.modeling.checkpoints import run_dir
from bert_tf.modeling.checkpoints.pretrained import assign
from bert_tf.tasks.registry import task_class
from bert_tf.tasks.seq2seq import Seq2Seq
from bert_tf.tasks.task import Task


def load_finetuned(
    workdir: str, *, sampler: str | None = None
) -> tuple[Task, keras.Model]:
    """The task and the model of the best epoch.

    Args:
        workdir: of bert_tf.finetune; of one seed, where it was given several.
        sampler: how a task from text to text writes, one of `config.SAMPLERS`; without
            it greedily.

    Raises:
        UserError: the folder is no such run's, or has no whole epoch yet; its task does
            not write.
    """
    if not run_dir.is_finetuned(workdir):
        raise UserError(
            f"Expected the folder of a fine-tuning, received {workdir!r}, which is one "
            "of a pretraining; give the --workdir of bert_tf.finetune."
        )
    config = run_dir.read_finetune_config(workdir)
    pretrained = run_dir.read(workdir)
    tokenizer = BertTokenizer(
        pretrained.vocabulary, lower_case=config.model.do_lower_case
    )
    task = task_class(config.task.name)(config.task, tokenizer)
    if sampler:
        if not isinstance(task, Seq2Seq):
            raise UserError(
                f"sampling: expected the run of a task that writes (seq2seq), received "
                f"one of {config.task.name}; leave it out."
            )
        task.sampling = Sampling(sampler)
    results = read_text(os.path.join(workdir, run_dir.RESULTS_FILE))
    if results:
        task.calibrate(json.loads(results))
    model = task.make_model(config.model, config.features)
    missing = assign(model, pretrained)
    if missing:
        raise UserError(
            f"Expected all weights of the model in {workdir!r}, received none for "
            f"{', '.join(missing)}; fine-tune in another --workdir."
        )
    return task, model
