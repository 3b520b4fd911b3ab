"""The systems that are compared."""

import dataclasses
import pathlib

from benchmarks import environments
from benchmarks.tasks.job import Job


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A system and how it is run."""

    name: str
    program: str
    environment: str | None = None  # ours if None

    def command(self, job: Job, folder: pathlib.Path) -> list[str]:
        """Fine-tunes; an `Outcome` as JSON is its last line.

        Args:
            job: what to do.
            folder: has the peers' virtual environments in it.

        Raises:
            UserError: the environment is missing.
        """
        python = environments.python(folder, self.environment, target="bench-tasks")
        program = f"benchmarks.tasks.systems.{self.program}"
        return [python, "-m", program, job.to_json()]


CONTESTANTS = {
    "ours": Contestant("bert_tf", "ours"),
    "transformers": Contestant("transformers", "transformers", "transformers"),
}
