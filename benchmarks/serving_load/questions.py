"""What an export is asked, and the right answers: those that it was delivered with."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from bert_tf.errors import UserError
from bert_tf.serving.export_lib import MANIFEST_FILE

Columns = Mapping[str, Sequence[Any]]  # by name, a value for each row


@dataclasses.dataclass(frozen=True)
class Question:
    """Inputs of a signature, and what it answers to them within a tolerance."""

    signature: str
    inputs: Columns
    outputs: Columns
    tolerance: float  # between numbers, absolute up to 1 and relative beyond

    @property
    def num_rows(self) -> int:
        """How many inputs there are."""
        return len(next(iter(self.inputs.values())))

    def row(self, number: int) -> "Question":
        """One of the inputs, alone."""
        return self._with_rows(lambda values: [values[number]])

    def repeated(self, times: int) -> "Question":
        """All the inputs, several times over."""
        return self._with_rows(lambda values: list(values) * times)

    def miss(self, received: Columns) -> str:
        """How an answer differs from the right one; "" if it does not.

        Args:
            received: outputs by name. Rows are filled up to the longest of a batch, so
                that those of another batch may be shorter or longer by what fills them.
        """
        if received.keys() != self.outputs.keys():
            return f"expected {sorted(self.outputs)}, received {sorted(received)}"
        for name, expected in self.outputs.items():
            values = received[name]
            if len(values) != len(expected):
                return f"{name}: expected {len(expected)} rows, received {len(values)}"
            if not _is_alike(values, expected, self.tolerance):
                return f"{name}: expected {expected}, received {values}"
        return ""

    def _with_rows(self, choose) -> "Question":
        return dataclasses.replace(
            self,
            inputs={name: choose(values) for name, values in self.inputs.items()},
            outputs={name: choose(values) for name, values in self.outputs.items()},
        )


def newest_version(model_dir: str) -> pathlib.Path:
    """The version of an export that servers take.

    Raises:
        UserError: there is none with golden answers.
    """
    folders = pathlib.Path(model_dir).glob("[0-9]*")
    numbers = [int(path.name) for path in folders if path.name.isdecimal()]
    newest = pathlib.Path(model_dir, str(max(numbers, default=0)))
    if not (newest / MANIFEST_FILE).exists():
        raise UserError(
            f"--model_dir: expected a numbered folder with {MANIFEST_FILE}, received "
            f"{model_dir!r}; give the --export_dir of bert_tf.export."
        )
    return newest


def read_questions(version_dir: pathlib.Path) -> list[Question]:
    """The golden inputs and outputs of a version, a question for each signature."""
    manifest = json.loads((version_dir / MANIFEST_FILE).read_text(encoding="utf-8"))
    return [
        Question(
            signature=case["signature"],
            inputs=case["inputs"],
            outputs=case["outputs"],
            tolerance=manifest["tolerance"],
        )
        for case in manifest["golden"]
    ]


def _is_alike(received: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, list):
        return isinstance(received, list) and _are_alike(received, expected, tolerance)
    if isinstance(expected, float):
        return isinstance(received, int | float) and (
            abs(received - expected) <= tolerance * (1 + abs(expected))
        )
    return received == expected


def _are_alike(received: list, expected: list, tolerance: float) -> bool:
    common = min(len(received), len(expected))
    return all(
        _is_alike(one, other, tolerance)
        for one, other in zip(received[:common], expected[:common], strict=True)
    ) and all(map(_is_filling, received[common:] + expected[common:]))


def _is_filling(value: Any) -> bool:
    return all(map(_is_filling, value)) if isinstance(value, list) else value in ("", 0)
