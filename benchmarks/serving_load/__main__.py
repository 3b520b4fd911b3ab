"""Asks the development server for minutes on end, rightly and wrongly, and checks it.

    python -m benchmarks.serving_load --model_dir=build/demo/export

Several threads ask a `bert_tf.serving.local` of its own through both clients: single
inputs and batches of every signature, whose right answers the export has with it. Among
them are bad JSON, bodies that are too long, wrong names, connections that break off and
slow senders. Meanwhile new versions take the place of old ones, one of them damaged at
first. Checked are the answers, the errors, the memory, and the end on SIGTERM.

`results.md` in --output is what is printed, `results.json` holds every sample of the
memory. The exit code is 1 if a check has failed. Linux only.
"""

import logging
import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from bert_tf import cli

_MODEL_DIR = flags.DEFINE_string(
    "model_dir",
    "build/demo/export",
    "--export_dir of bert_tf.export.",
)
_OUTPUT = flags.DEFINE_string(
    "output",
    "build/bench-serving-load",
    "Folder to write, with copies of the export.",
)
_MINUTES = flags.DEFINE_float(
    "minutes", 10.0, "Of asking; memory is judged from 3 on.", lower_bound=0
)
_THREADS = flags.DEFINE_integer("threads", 6, "Requests at a time.", lower_bound=1)


def main(argv: Sequence[str]) -> None:
    """Loads the server, prints the results."""
    del argv
    cli.import_tensorflow()
    from benchmarks.serving_load import bench, report

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # or a line a request
    output = pathlib.Path(_OUTPUT.value)
    results = bench.load(
        _MODEL_DIR.value, output, minutes=_MINUTES.value, num_threads=_THREADS.value
    )
    markdown = report.to_markdown(results)
    (output / "results.json").write_text(report.to_json(results), encoding="utf-8")
    (output / "results.md").write_text(markdown, encoding="utf-8")
    print(markdown)
    if any(check.has_failed for check in report.checks(results)):
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
