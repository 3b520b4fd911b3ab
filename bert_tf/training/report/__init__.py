"""`training_report.html`: what one run learnt, or several beside each other, for people.

All of it comes from the files of the runs' folders, complete runs or not, and the same
files give the same bytes.
"""

import os
from collections.abc import Sequence

from bert_tf.errors import UserError
from bert_tf.files import write_atomically
from bert_tf.training.report.page import render
from bert_tf.training.report.run import read_run

MAX_RUNS = 8  # colours that are told apart


def write_report(workdirs: Sequence[str], path: str | os.PathLike[str]) -> None:
    """Writes the report of a run, or of several that are compared.

    Args:
        workdirs: the folders of the runs.
        path: of the report.

    Raises:
        UserError: a folder is no run's, one is given twice, there are too many, or the
            report cannot be written.
    """
    names = [workdir.rstrip("/") for workdir in workdirs]
    if not 1 <= len(set(names)) == len(names) <= MAX_RUNS:
        raise UserError(
            f"Expected 1 to {MAX_RUNS} different folders of runs, received "
            f"{', '.join(names) or 'none'}; give the --workdir of each once."
        )
    write_atomically(path, render([read_run(name) for name in names]).encode())
