"""What `make demo-tasks` has learnt, beside answers that know nothing of the text.

    python -m benchmarks.demo_tasks --runs=build/demo-tasks --output=results.md

The task's own metrics count both, on the held-out examples that also told the run
its best epoch. The demo's BERT has read most of the texts in pretraining, without labels.
"""

import pathlib
from collections.abc import Sequence

from absl import flags, logging

from benchmarks.tables import markdown_table
from bert_tf import cli
from bert_tf.files import write_atomically

_RUNS = flags.DEFINE_string("runs", None, "Folder with TASK/run of each task.")
_OUTPUT = flags.DEFINE_string("output", None, "Markdown file to write.")
flags.mark_flags_as_required(["runs", "output"])


def main(argv: Sequence[str]) -> None:
    """Writes the table."""
    del argv
    cli.import_tensorflow()
    from benchmarks.demo_tasks.baselines import BASELINES, HEADER, rows_of

    runs = [pathlib.Path(_RUNS.value, task, "run") for task in BASELINES]
    table = markdown_table(HEADER, [row for run in runs for row in rows_of(run)])
    write_atomically(_OUTPUT.value, f"{table}\n".encode())
    logging.info("Wrote %s.", _OUTPUT.value)


if __name__ == "__main__":
    cli.run(main)
