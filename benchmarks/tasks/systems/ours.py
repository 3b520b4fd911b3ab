"""Our fine-tuning.

    python -m benchmarks.tasks.systems.ours JOB

JOB is a `Job` as JSON; the last line is an outcome as JSON.
"""

import os
import tempfile

from benchmarks.tasks.job import Job, Outcome
from bert_tf import cli
from bert_tf.training import environment
from bert_tf.training.metrics_log import read_lines


def main() -> None:
    """Fine-tunes, and tells the figures of each epoch."""
    job = Job.from_arguments()
    environment.set_up()
    cli.import_tensorflow()
    from bert_tf.modeling.checkpoints.run_dir import METRICS_FILE
    from bert_tf.training.finetune_lib import finetune_and_evaluate

    # Its checkpoints are gone when it is done.
    with tempfile.TemporaryDirectory(dir=job.output) as workdir:
        finetune_and_evaluate(job.config, workdir)
        lines = read_lines(os.path.join(workdir, METRICS_FILE))
    is_figure = {"split", "step"}.isdisjoint
    Outcome(
        figures=[
            {name: value for name, value in line.items() if is_figure([name])}
            for line in lines
            if line["split"] == "held_out"
        ]
    ).print()


if __name__ == "__main__":
    main()
