"""The systems that are compared."""

import dataclasses
import pathlib
from collections.abc import Sequence

from benchmarks import environments
from benchmarks.training.workload import Workload

OURS = "bert_tf"
# By key: name, environment (ours if None), program, its arguments after the workload.
_SYSTEMS = {
    "ours": (OURS, None, "ours", ("packed",)),
    "ours_not_packed": ("bert_tf, an example a row", None, "ours", ()),
    "keras_hub": ("KerasHub", "keras_hub", "keras_hub", ()),
    "keras_hub_tuned": (
        "KerasHub, with our environment variables",
        "keras_hub",
        "keras_hub",
        ("tuned",),
    ),
    "transformers": ("transformers", "transformers", "transformers", ()),
    "transformers_compiled": (
        "transformers, torch.compile",
        "transformers",
        "transformers",
        ("compiled",),
    ),
    "model_garden": ("Model Garden", "model_garden", "model_garden", ()),
}
KEYS = tuple(_SYSTEMS)


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A system and how it is run."""

    key: str
    name: str
    python: str
    program: str
    arguments: tuple[str, ...]

    def command(self, workload: Workload) -> list[str]:
        """Trains; a `Measurement` as JSON is its last line."""
        program = f"benchmarks.training.systems.{self.program}"
        return [self.python, "-m", program, workload.to_json(), *self.arguments]


def contestants(keys: Sequence[str], folder: pathlib.Path) -> list[Contestant]:
    """Those of `KEYS` that are to run.

    Args:
        keys: theirs.
        folder: has the peers' virtual environments in it.

    Raises:
        UserError: an environment is missing.
    """
    return [_contestant(key, folder, *_SYSTEMS[key]) for key in keys]


def _contestant(key, folder, name, environment, program, arguments) -> Contestant:
    python = environments.python(folder, environment, target="bench-training")
    return Contestant(key, name, python, program, arguments)
