"""The systems that are compared."""

import dataclasses
import pathlib
from collections.abc import Sequence

from benchmarks import environments
from benchmarks.serving.job import Export, Job
from bert_tf.config import to_json

OURS = "bert_tf"
# By key, which is also that of both programs: name, environment (ours if None).
_SYSTEMS = {
    "ours": (OURS, None),
    "transformers": ("transformers", "transformers"),
    "onnx_runtime": ("ONNX Runtime", "onnx_runtime"),
    "keras_hub": ("KerasHub", "keras_hub"),
}
KEYS = tuple(_SYSTEMS)


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A system and how it is run."""

    key: str
    name: str
    python: str

    def export_command(self, export: Export) -> list[str]:
        """Writes a model."""
        program = f"benchmarks.serving.exports.{self.key}"
        return [self.python, "-m", program, to_json(export)]

    def command(self, job: Job) -> list[str]:
        """Loads and asks a model; a `Measurement` as JSON is its last line."""
        program = f"benchmarks.serving.systems.{self.key}"
        return [self.python, "-m", program, to_json(job)]


def contestants(keys: Sequence[str], folder: pathlib.Path) -> list[Contestant]:
    """Those of `KEYS` that are to run.

    Args:
        keys: theirs.
        folder: has the peers' virtual environments in it.

    Raises:
        UserError: an environment is missing.
    """
    return [_contestant(key, folder, *_SYSTEMS[key]) for key in keys]


def _contestant(key, folder, name, environment) -> Contestant:
    python = environments.python(folder, environment, target="bench-serving")
    return Contestant(key, name, python)
