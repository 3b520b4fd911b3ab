"""`metrics.jsonl`: what a run measured, a line each time, exact over interruptions.

{"split": "train", "step": 100, "masked_lm_loss": 7.1, "learning_rate": 1e-4, ...}
{"split": "held_out", "step": 100, "masked_lm_loss": 7.3, ...}
"""

import json
from typing import Any

from bert_tf.errors import UserError
from bert_tf.files import read_text, write_atomically

Line = dict[str, Any]


def read_lines(path: str) -> list[Line]:
    """The lines of a file, none if it is missing; the last may have been cut off.

    Raises:
        UserError: another line is no JSON.
    """
    *lines, _ = (read_text(path) or "").split("\n")  # a whole line ends with one
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise UserError(
            f"Expected a JSON object on each line of {path}, received another text "
            f"({error}); restore the file from a copy or remove that line."
        ) from error


def held_out_steps(path: str) -> set[int]:
    """The steps of which a file has held-out figures."""
    return {line["step"] for line in read_lines(path) if line["split"] == "held_out"}


class MetricsLog:
    """Adds lines to a file.

    Args:
        path: of the file.
        first_step: the step from which the run goes on; lines of later ones are from
            before an interruption, and are dropped.
    """

    def __init__(self, path: str, *, first_step: int):
        self._path = path
        kept = [line for line in read_lines(path) if line["step"] <= first_step]
        write_atomically(path, "".join(map(_format, kept)).encode())

    def write(self, split: str, step: int, figures: Line) -> None:
        """Adds a line."""
        import tensorflow as tf  # here: whoever reads lines needs none

        with tf.io.gfile.GFile(self._path, "a") as file:
            file.write(_format({"split": split, "step": step, **figures}))


def _format(line: Line) -> str:
    return json.dumps(line) + "\n"
