"""Our pretraining, by one of two recipes.

    python -m benchmarks.pretraining.systems.ours JOB classic|modern

JOB is a `Job` as JSON; the last line is an outcome as JSON. The run is in folder `run`
of the job's output: called again after an interruption, it goes on there.
"""

import pathlib
import sys
import time

from benchmarks.pretraining.job import Job, Outcome, evaluate
from bert_tf import cli
from bert_tf.config import InputConfig, OptimizerConfig, PretrainConfig
from bert_tf.training import environment

_STEPS_TO_LEARN_SPEED = 20
_NUM_CHECKPOINTS = 20


def main() -> None:
    """Trains, evaluates and saves the weights."""
    job = Job.from_arguments()
    environment.set_up()
    cli.import_tensorflow()
    from bert_tf.data.manifest import load_manifest
    from bert_tf.modeling.checkpoints import run_dir
    from bert_tf.training.train_lib import train_and_evaluate

    workdir = pathlib.Path(job.output, "run")
    if (workdir / run_dir.CONFIG_FILE).exists():
        config = run_dir.read_config(str(workdir))
    else:
        recipe = {"classic": classic, "modern": modern}[sys.argv[2]]
        config = recipe(job, steps_in_time(recipe(job, 1), minutes=job.minutes))
    first_step = _saved_step(workdir)
    start = time.monotonic()
    train_and_evaluate(config, str(workdir))
    seconds = time.monotonic() - start
    num_steps = _saved_step(workdir)
    model, _, _ = run_dir.load_run(str(workdir))
    counts = load_manifest(config.input.data_dir).splits["train"].counts
    num_examples = num_steps * config.input.train_batch_size
    job.save_weights(
        {
            variable.path.removeprefix(f"{model.name}/"): variable.numpy()
            for variable in model.variables
        }
    )
    Outcome(
        num_steps=num_steps,
        num_tokens=num_examples * counts["example_tokens"] // counts["examples"],
        # What an interruption has cut off is taken to have been as fast.
        seconds=seconds * num_steps / (num_steps - first_step)
        if num_steps > first_step
        else None,
        **evaluate(job, lambda batch: model(batch)["masked_lm_logits"].numpy()),
    ).print()


def classic(job: Job, num_steps: int) -> PretrainConfig:
    """As in 2018: masks in the shards, next sentences, AdamW without bias correction."""
    steps_per_checkpoint = max(1, num_steps // _NUM_CHECKPOINTS)
    num_train_steps = num_steps // steps_per_checkpoint * steps_per_checkpoint
    return PretrainConfig(
        model=job.model(),
        input=InputConfig(data_dir=f"{job.data}/static", train_batch_size=job.batch_size),
        optimizer=OptimizerConfig(
            learning_rate=job.learning_rate, warmup_steps=num_train_steps // 10
        ),
        num_train_steps=num_train_steps,
        steps_per_log=steps_per_checkpoint,
        steps_per_checkpoint=steps_per_checkpoint,
        steps_per_eval=steps_per_checkpoint,
    )


def modern(job: Job, num_steps: int) -> PretrainConfig:
    """As one would today: as in configs/budget.py."""
    steps_per_checkpoint = max(1, num_steps // _NUM_CHECKPOINTS)
    return PretrainConfig(
        model=job.model(
            initializer_range=0.03,
            initial_attention="beside",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        input=InputConfig(
            data_dir=f"{job.data}/dynamic",
            train_batch_size=job.batch_size,
            packing=True,
            masked_lm_prob=0.3,
        ),
        optimizer=OptimizerConfig(
            schedule="warmup_stable_decay",
            learning_rate=job.learning_rate,
            warmup_steps=num_steps // 10,
            decay_share=0.3,
            beta_2=0.98,
            bias_correction=True,
        ),
        num_train_steps=1_000_000 * steps_per_checkpoint,
        num_train_minutes=job.minutes,
        steps_per_log=steps_per_checkpoint,
        steps_per_checkpoint=steps_per_checkpoint,
        steps_per_eval=steps_per_checkpoint,
    )


def steps_in_time(config: PretrainConfig, *, minutes: float) -> int:
    """How many steps of a run fit, from the time that a few take; at least one."""
    from bert_tf.data.input_pipeline import train_dataset
    from bert_tf.data.manifest import load_manifest
    from bert_tf.modeling.models import BertPretrainer
    from bert_tf.tasks import pretraining
    from bert_tf.training.optimizer import make_optimizer
    from bert_tf.training.schedules import make_schedule
    from bert_tf.training.trainer import Trainer

    trainer = Trainer(BertPretrainer(config.model), pretraining, seed=0)
    schedule = make_schedule(config.optimizer, num_train_steps=config.num_train_steps)
    trainer.compile(make_optimizer(config.optimizer, schedule, dynamic_loss_scale=False))
    trainer.fit(
        train_dataset(load_manifest(config.input.data_dir), config.input, seed=0),
        steps_per_epoch=_STEPS_TO_LEARN_SPEED,
        shuffle=False,
        verbose=0,
    )
    # The trainer does not count its first step.
    seconds_per_step = trainer.seconds / (_STEPS_TO_LEARN_SPEED - 1)
    return max(1, round(60 * minutes / seconds_per_step))


def _saved_step(workdir: pathlib.Path) -> int:
    from bert_tf.modeling.checkpoints import run_dir, sealed

    return max(sealed.steps(str(workdir / run_dir.CHECKPOINT_DIR)), default=0)


if __name__ == "__main__":
    main()
