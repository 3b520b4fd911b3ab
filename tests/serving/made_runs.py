"""Runs of every task with a tiny BERT of random weights, as finetune leaves them."""

import json
import os

import keras
import tensorflow as tf

from bert_tf.config import FinetuneConfig, TaskConfig, to_json
from bert_tf.data.vocab import save_vocabulary
from bert_tf.modeling.checkpoints import sealed
from bert_tf.modeling.checkpoints.formats import read_pretrained
from bert_tf.modeling.checkpoints.pretrained import assign
from bert_tf.modeling.checkpoints.run_dir import (
    BEST_DIR,
    CONFIG_FILE,
    RESULTS_FILE,
    VOCAB_FILE,
    named_variables,
)
from bert_tf.tasks.registry import TASKS
from tests.tasks.made_bert import TOKENIZER, write_bert

LABELS = {
    "classification": ("bad", "good"),
    "pair_classification": ("contradiction", "entailment", "neutral"),
    "tagging": ("B-LOC", "B-PER", "I-LOC", "I-PER", "O"),
}
RESULTS = {"accuracy": 0.75, "epoch": 1, "num_examples": 8}


def write_run(folder, name, *, scale=1.0):
    """Writes a run of a task; returns its path.

    Args:
        folder: to put it in.
        name: of the task.
        scale: factor of the embedding tables.
    """
    bert = write_bert(folder / "bert")
    pretrained = read_pretrained(bert)
    config = FinetuneConfig(
        task=TaskConfig(
            name=name,
            labels=LABELS.get(name, ()),
            max_seq_length=24,
            doc_stride=8,
        ),
        model=pretrained.config,
        train_file="somewhere/train.tsv",
        eval_file="somewhere/dev.tsv",
        init_checkpoint=bert,
    )
    task = TASKS[name](config.task, TOKENIZER)
    keras.utils.set_random_seed(0)
    model = task.make_model(config.model, config.features)
    assign(model, pretrained)
    for variable in model.variables:
        if variable.path.endswith("_embeddings"):
            variable.assign(variable * scale)
    run = folder / name
    run.mkdir()
    (run / CONFIG_FILE).write_text(to_json(config))
    (run / RESULTS_FILE).write_text(json.dumps(RESULTS))
    save_vocabulary(pretrained.vocabulary, str(run / VOCAB_FILE))
    checkpoint = tf.train.Checkpoint(weights=named_variables(model))
    sealed.write(str(run / BEST_DIR), checkpoint, step=1, progress={})
    return os.fspath(run)
