"""One fine-tuning, from a pretrained encoder and labelled examples to figures.

WORKDIR/config.json       the whole FinetuneConfig, labels included
        examples.json     digests of the examples it was begun with
        vocab.txt
        checkpoints/      weights and optimizer after each epoch
        best/             the weights of the best epoch
        metrics.jsonl     a line for each epoch
        results.json      figures of the best epoch; results.md for people
"""

import dataclasses
import functools
import hashlib
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from bert_tf.config import FinetuneConfig, OptimizerConfig, to_json
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import Vocabulary, save_vocabulary
from bert_tf.errors import UserError
from bert_tf.files import make_folder, read_json, write_atomically
from bert_tf.modeling.checkpoints import sealed
from bert_tf.modeling.checkpoints.formats import read_pretrained
from bert_tf.modeling.checkpoints.pretrained import Pretrained, assign
from bert_tf.modeling.checkpoints.run_dir import (
    BEST_DIR,
    CONFIG_FILE,
    METRICS_FILE,
    RESULTS_FILE,
    RESULTS_TABLE_FILE,
    VOCAB_FILE,
    named_variables,
    seed_folder,
)
from bert_tf.modeling.checkpoints.shapes import head_of, sees_features
from bert_tf.tasks.answering import answer_examples
from bert_tf.tasks.labels import with_labels
from bert_tf.tasks.registry import task_class
from bert_tf.tasks.task import Example, Task
from bert_tf.training import callbacks
from bert_tf.training.metrics_log import MetricsLog
from bert_tf.training.optimizer import SummedGradientsOptimizer, make_optimizer
from bert_tf.training.row_batches import RowBatches, trim
from bert_tf.training.schedules import LinearWarmupDecay
from bert_tf.training.state import TrainingState
from bert_tf.training.strategy import make_strategy
from bert_tf.training.trainer import Trainer

_EXAMPLES_FILE = "examples.json"
# Parts of a batch on a CPU, each no longer than its longest row, and rows of a part: less
# is padding in more of them, but each takes time of its own.
_NUM_PARTS, _MIN_PART_SIZE = 4, 8
_LAYER = re.compile(r"\bbert/layer_(\d+)/")


def finetune_and_evaluate(
    config: FinetuneConfig,
    workdir: str,
    *,
    allow_missing: Sequence[str] = (),
    do_lower_case: bool | None = None,
) -> dict[str, float]:
    """Fine-tunes, evaluates after each epoch and keeps the best.

    A call on the folder of an interrupted run goes on after its last whole epoch, with
    the examples and the dropout it would have had.

    Args:
        config: of the run; its model's shape and labels are filled in from
            `init_checkpoint` and `train_file`.
        workdir: folder, made if need be.
        allow_missing: see `read_pretrained`.
        do_lower_case: see `read_pretrained`.

    Returns:
        The figures of the best epoch on `eval_file`.

    Raises:
        UserError: a file is wrong, the configuration does not hold, or it is not the
            one this folder was begun with.
    """
    config.validate_training()
    task_type = task_class(config.task.name)
    pretrained = read_pretrained(
        config.init_checkpoint, allow_missing=allow_missing, do_lower_case=do_lower_case
    )
    read = functools.partial(task_type.read_labelled, columns=config.columns)
    train = read(config.train_file) if config.num_epochs else []
    held_out = read(config.eval_file)
    config = complete(config, pretrained, task_type, train)
    config.validate()
    digests = {"train_file": _digest(train), "eval_file": _digest(held_out)}
    _check_begun_with(config, digests, workdir)
    finished = read_json(os.path.join(workdir, RESULTS_FILE))
    if finished:
        logging.info("%s is finished; nothing is left to do.", workdir)
        return finished
    tokenizer = BertTokenizer(
        pretrained.vocabulary, lower_case=config.model.do_lower_case
    )
    task = task_type(config.task, tokenizer)
    for examples, path in ((train, config.train_file), (held_out, config.eval_file)):
        task.check(examples, path)
    if config.class_weights == "balanced":
        if not task.has_labels:
            raise UserError(
                f"class_weights: expected none for {task.config.name}, which has no "
                "classes, received 'balanced'; leave it out."
            )
        task.balance_classes(train)

    # Build.
    rows = list(task.encode(train)) if config.num_epochs else []
    batches = RowBatches(
        rows,
        batch_size=config.train_batch_size,
        pad_id=pretrained.vocabulary.pad_id,
        seed=config.seed,
    )
    strategy = make_strategy(config.strategy)
    keras.utils.set_random_seed(config.seed)  # of the head's weights
    with strategy.scope():
        model = task.make_model(config.model, config.features)
        if config.num_epochs and not model.trainable_variables:
            raise UserError(
                f"frozen: expected a task with a head to train, received "
                f"{config.task.name}, which has none; leave it out, or give "
                "--num_epochs=0."
            )
        pretrained = with_labels(pretrained, config.task.labels)
        pretrained = _with_features(pretrained, config)
        weights = task.warm_start(pretrained.weights)
        pretrained = dataclasses.replace(pretrained, weights=weights)
        new = _load(model, pretrained, num_new_layers=config.num_new_layers)
        _check_new(new, config, task, allow_missing)
        trainer = Trainer(
            model,
            task,
            seed=config.seed,
            num_microbatches=_num_parts(config, strategy),
            trim=trim,
        )
        trainer.compile(make_finetuning_optimizer(config, batches.num_batches))
        _write_beginning(config, digests, pretrained.vocabulary, workdir)
        state = TrainingState(workdir, trainer, is_writer=True)
    state.restore()

    # Train.
    log = MetricsLog(os.path.join(workdir, METRICS_FILE), first_step=state.step)
    to_call = [
        callbacks.StopOnNonFinite(
            state,
            steps_per_checkpoint=batches.num_batches,
            advice="lower --learning_rate or raise --warmup_share",
        ),
        callbacks.ShowProgress(
            state, None, num_train_steps=config.num_epochs * batches.num_batches
        ),
    ]
    history = state.progress.setdefault("history", [])
    first_epoch = state.step // batches.num_batches if rows else 0
    for epoch in range(first_epoch, config.num_epochs):
        if _is_exhausted(history, task.main_metric, config.patience):
            logging.info("No better epoch in %d: stopped.", config.patience)
            break
        trainer.fit(
            batches.epoch(epoch),
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,  # the batches are shuffled already
            verbose=0,
            callbacks=to_call,
        )
        log.write("train", state.step, trainer.means.result())
        figures = evaluate(task, model, held_out, batch_size=config.eval_batch_size)
        log.write("held_out", state.step, figures)
        logging.info("epoch %d  %s", epoch + 1, format_figures(figures))
        history.append(figures)
        if best_epoch(history, task.main_metric) == epoch:
            _save_best(model, workdir, step=state.step)
        state.save()

    if not config.num_epochs:  # the encoder, and the head if it has one, as they are
        history = [evaluate(task, model, held_out, batch_size=config.eval_batch_size)]
        _save_best(model, workdir, step=0)
    best = best_epoch(history, task.main_metric)
    results = history[best] | {
        "epoch": best + 1 if config.num_epochs else 0,
        "num_examples": len(held_out),
        "main_metric": task.main_metric,
    }
    for name, content in (
        (RESULTS_TABLE_FILE, format_figures(results)),
        (RESULTS_FILE, json.dumps(results, indent=2)),
    ):
        write_atomically(os.path.join(workdir, name), f"{content}\n".encode())
    return results


def _check_new(
    new: Sequence[str],
    config: FinetuneConfig,
    task: Task,
    allow_missing: Sequence[str],
) -> None:
    """Raises UserError for weights that begin at random and would stay so."""
    if task.required_heads:
        random = [path for path in new if head_of(path) in task.required_heads]
    elif config.num_epochs:
        random = []
    else:
        allowed = tuple(allow_missing)
        random = [path for path in new if not path.startswith(allowed)]
    if random:
        raise UserError(
            f"Expected {random[0]} in {config.init_checkpoint!r}, found none that fits; "
            f"give a checkpoint with the head that {config.task.name} needs."
        )


def complete(
    config: FinetuneConfig,
    pretrained: Pretrained,
    task_type: type[Task],
    train: Sequence[Example],
) -> FinetuneConfig:
    """The configuration with what the checkpoint and the examples decide.

    The model is the checkpoint's, but for the type of its numbers.
    """
    if pretrained.vocabulary is None:
        raise UserError(
            f"Expected a vocabulary in {config.init_checkpoint!r}, found none; put the "
            "model's vocab.txt there."
        )
    model = dataclasses.replace(pretrained.config, dtype_policy=config.model.dtype_policy)
    labels = config.task.labels
    if labels and not task_type.has_labels:
        raise UserError(
            f"labels: expected none for {config.task.name}, which has no classes, "
            f"received {', '.join(labels)}; leave them out."
        )
    if task_type.has_labels and not labels:
        labels = task_type.labels_of(train) if train else pretrained.labels
        if not labels:
            raise UserError(
                f"labels: expected those of the classes, received none, and "
                f"{config.init_checkpoint!r} has none; give them, or a train_file."
            )
        if train and len(labels) < 2:
            raise UserError(
                f"{config.train_file}: expected two labels or more, received "
                f"{labels[0]!r} alone; add examples of another, or name all (--labels)."
            )
        logging.info("%d labels: %s", len(labels), ", ".join(labels))
    return dataclasses.replace(
        config,
        model=model,
        features=config.features.resolved(model),
        task=dataclasses.replace(config.task, labels=labels),
    )


def evaluate(
    task: Task, model: keras.Model, examples: Sequence[Example], *, batch_size: int
) -> dict[str, float]:
    """The task's metrics of the model's answers."""
    answers = answer_examples(task, model, examples, batch_size=batch_size)
    return task.metrics(answers, examples)


def best_epoch(history: Sequence[dict[str, float]], metric: str) -> int:
    """The first of the best, counted from 0."""
    return max(range(len(history)), key=lambda epoch: history[epoch][metric])


def format_figures(figures: dict[str, Any]) -> str:
    """On one line."""
    return "  ".join(
        f"{name} {value:.4f}" if isinstance(value, float) else f"{name} {value}"
        for name, value in figures.items()
    )


def _is_exhausted(
    history: Sequence[dict[str, float]], metric: str, patience: int
) -> bool:
    if not patience or not history:
        return False
    return len(history) - 1 - best_epoch(history, metric) >= patience


def _digest(examples: Sequence[Example]) -> str:
    return hashlib.sha256(repr(examples).encode("utf-8", "surrogatepass")).hexdigest()


def _check_begun_with(
    config: FinetuneConfig, digests: Mapping[str, str], workdir: str
) -> None:
    """Raises UserError if a run of other settings or examples was begun in the folder."""
    if tf.io.gfile.isdir(os.path.join(workdir, seed_folder(0))):
        raise UserError(
            f"Expected the folder of one run, received {workdir}, which has those of "
            "several seeds; use another --workdir."
        )
    begun = read_json(os.path.join(workdir, CONFIG_FILE))
    if begun is None:
        return
    for name, value in json.loads(to_json(config)).items():
        if begun.get(name) != value:
            raise UserError(
                f"Expected the settings {workdir} was begun with, received {name}="
                f"{value!r} instead of {begun.get(name)!r}; use another --workdir or set "
                "it back."
            )
    for name, digest in (read_json(os.path.join(workdir, _EXAMPLES_FILE)) or {}).items():
        if digests[name] != digest:
            raise UserError(
                f"Expected the examples that the run was begun with in "
                f"{getattr(config, name)!r}, received others; use another --workdir or "
                "put them back."
            )


def _write_beginning(
    config: FinetuneConfig,
    digests: Mapping[str, str],
    vocabulary: Vocabulary,
    workdir: str,
) -> None:
    """Writes what identifies a run; its configuration last, which is looked for."""
    make_folder(workdir)
    save_vocabulary(vocabulary, os.path.join(workdir, VOCAB_FILE))
    for name, content in (
        (_EXAMPLES_FILE, json.dumps(digests)),
        (CONFIG_FILE, to_json(config)),
    ):
        write_atomically(os.path.join(workdir, name), content.encode())


def _num_parts(config: FinetuneConfig, strategy: tf.distribute.Strategy) -> int:
    """How many parts of a batch are computed one after the other; see `trim`."""
    if tf.config.list_physical_devices("GPU"):  # which has room for all of it at once
        return 1
    batch_size = config.train_batch_size // strategy.num_replicas_in_sync
    return min(_NUM_PARTS, max(batch_size // _MIN_PART_SIZE, 1))


def _with_features(pretrained: Pretrained, config: FinetuneConfig) -> Pretrained:
    """The weights without a head that has learnt from something else of the encoder."""
    learnt_from, features = (
        dataclasses.replace(each, frozen=False)
        for each in (pretrained.features, config.features)
    )
    weights = {
        path: values
        for path, values in pretrained.weights.items()
        if not sees_features(path)
    }
    if learnt_from == features or len(weights) == len(pretrained.weights):
        return pretrained
    if not config.num_epochs:
        raise UserError(
            f"Expected the features that the head in {config.init_checkpoint!r} has "
            f"learnt from, {learnt_from}, received {features}; set --layers, "
            "--combination and --pooling so."
        )
    logging.info("The checkpoint's head has learnt from others; it is left out.")
    return dataclasses.replace(pretrained, weights=weights)


def _load(
    model: keras.Model, pretrained: Pretrained, *, num_new_layers: int
) -> tuple[str, ...]:
    """Gives the encoder, and the head if there is one of its shape, their weights.

    Returns:
        The paths of the weights that are new.
    """
    first_new = model.config.num_hidden_layers - num_new_layers
    shapes = {
        variable.path.removeprefix(f"{model.name}/"): tuple(variable.shape)
        for variable in model.variables
    }
    kept = {
        path: values
        for path, values in pretrained.weights.items()
        if path.startswith("bert/") or shapes.get(path) == values.shape
    }
    kept = {path: v for path, v in kept.items() if _layer_of(path, -1) < first_new}
    new = assign(model, dataclasses.replace(pretrained, weights=kept))
    logging.info("new weights: %s", ", ".join(new) or "none")
    return new


def _layer_of(path: str, otherwise: int) -> int:
    match = _LAYER.search(path)
    return int(match[1]) if match else otherwise


def make_finetuning_optimizer(
    config: FinetuneConfig, steps_per_epoch: int
) -> SummedGradientsOptimizer:
    """AdamW, whose rate rises over the warm-up and falls from there to 0.

    Pretraining's falls as if it had fallen from the first step, see LinearWarmupDecay;
    published rates of fine-tunings are mostly for this one, transformers'.

    Args:
        config: of the run.
        steps_per_epoch: how many.
    """
    num_train_steps = config.num_epochs * steps_per_epoch
    warmup_steps = math.ceil(config.warmup_share * num_train_steps)
    settings = OptimizerConfig(
        weight_decay=config.weight_decay,
        bias_correction=True,  # without it small fine-tunings fail now and then
    )
    return make_optimizer(
        settings,
        LinearWarmupDecay(
            config.learning_rate,
            warmup_steps,
            num_train_steps,
            first_decay_step=warmup_steps,
        ),
        dynamic_loss_scale=config.model.dtype_policy == "mixed_float16",
        rate_factor=functools.partial(
            rate_factor,
            num_layers=config.model.num_hidden_layers,
            layer_decay=config.layer_decay,
        ),
    )


def rate_factor(path: str, *, num_layers: int, layer_decay: float) -> float:
    """How much slower a variable learns than the head (Howard and Ruder 2018, 3.2).

    Args:
        path: of the variable.
        num_layers: of the encoder.
        layer_decay: from each layer to the one below it; the embeddings are below all.
    """
    if "/embeddings/" in path:
        return layer_decay ** (num_layers + 1)
    return layer_decay ** (num_layers - _layer_of(path, num_layers))


def _save_best(model: keras.Model, workdir: str, *, step: int) -> None:
    folder = os.path.join(workdir, BEST_DIR)
    checkpoint = tf.train.Checkpoint(weights=named_variables(model))
    sealed.write(folder, checkpoint, step=step, progress={})
    sealed.drop_all_but(folder, num_kept=1)
