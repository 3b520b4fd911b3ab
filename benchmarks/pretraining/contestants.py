"""The systems that are compared."""

import dataclasses
import pathlib

from benchmarks import environments
from benchmarks.pretraining.job import Job


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A system and how it is run."""

    key: str
    name: str
    library: str  # whose names its weights have; of finetune.LIBRARIES
    program: str
    arguments: tuple[str, ...] = ()
    environment: str | None = None  # ours if None

    def command(self, job: Job, folder: pathlib.Path) -> list[str]:
        """Trains; an `Outcome` as JSON is its last line.

        Args:
            job: what to do.
            folder: has the peers' virtual environments in it.

        Raises:
            UserError: the environment is missing.
        """
        python = environments.python(folder, self.environment, target="bench-pretrain")
        program = f"benchmarks.pretraining.systems.{self.program}"
        return [python, "-m", program, job.to_json(), *self.arguments]


CONTESTANTS = {
    contestant.key: contestant
    for contestant in (
        Contestant("modern", "bert_tf, modern", "bert_tf", "ours", ("modern",)),
        Contestant("classic", "bert_tf, classic", "bert_tf", "ours", ("classic",)),
        Contestant(
            "keras_hub", "KerasHub", "keras_hub", "keras_hub", environment="keras_hub"
        ),
        Contestant(
            "transformers",
            "transformers",
            "hugging_face",
            "transformers",
            environment="transformers",
        ),
    )
}
