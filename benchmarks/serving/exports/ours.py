"""Our SavedModel, as bert_tf.export writes it.

    python -m benchmarks.serving.exports.ours EXPORT

EXPORT is an `Export` as JSON.
"""

import sys

from benchmarks.serving.job import Export
from bert_tf import cli
from bert_tf.config import from_json


def main() -> None:
    """Writes it."""
    job = from_json(Export, sys.argv[1])
    cli.import_tensorflow()
    from bert_tf.serving.export_lib import export

    export(job.run, job.output, dtype=job.dtype)


if __name__ == "__main__":
    main()
