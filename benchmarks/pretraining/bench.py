"""Pretrains and fine-tunes, one program at a time, and keeps what came of it.

settings.json                    what all is done with; written when the text is ready
corpus/                          see corpus.py
<system>-<learning rate>/        outcome.json, weights.npz, the program's log
finetuned/<encoder>.json         accuracies, and the program's log
"""

import dataclasses
import json
import os
import pathlib
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

from absl import logging

from benchmarks import environments, machine, usage
from benchmarks.pretraining import report
from benchmarks.pretraining.contestants import Contestant
from benchmarks.pretraining.job import WEIGHTS, Job, Outcome, Task
from bert_tf.errors import UserError
from bert_tf.files import write_atomically

NUM_CORES = 2


class Bench:
    """A folder in which nothing is done again that is there.

    Args:
        folder: all is written there.
        environments: the folder of the peers' virtual environments.
    """

    def __init__(self, folder: pathlib.Path, environments: pathlib.Path):
        self._folder = folder
        self._environments = environments
        self._cores = sorted(os.sched_getaffinity(0))[-NUM_CORES:]
        self.corpus = folder / "corpus"

    def prepare(
        self, settings: dict[str, Any], make_corpus: Callable[[pathlib.Path], None]
    ) -> None:
        """Makes the text ready, or checks that it is with these settings.

        Args:
            settings: what all is done with.
            make_corpus: writes the text's files into a folder.

        Raises:
            UserError: the folder has what was done with other settings.
        """
        path = self._folder / "settings.json"
        if not path.exists():
            self.corpus.mkdir(parents=True, exist_ok=True)
            make_corpus(self.corpus)
            write_atomically(path, json.dumps(settings, indent=2).encode())
            return
        begun = json.loads(path.read_text())
        for name, value in settings.items():
            if begun.get(name) != value:
                raise UserError(
                    f"--output: expected a folder of {name}={value!r}, received "
                    f"{begun.get(name)!r} in {str(path)!r}; give another folder."
                )

    def pretrain(self, contestant: Contestant, job: Job) -> report.Pretrained:
        """What a system makes of the text in its time, or has made of it before.

        Args:
            contestant: who.
            job: what; its output is filled in.

        Raises:
            UserError: the contestant's environment is missing.
        """
        output = self._output(contestant, job.learning_rate)
        output.mkdir(exist_ok=True)
        command = contestant.command(
            dataclasses.replace(job, output=str(output)), self._environments
        )
        pretrained = report.Pretrained(
            contestant.name, job.learning_rate, load_average=os.getloadavg()[0]
        )
        try:
            found = self._run(command, output / "outcome.json")
            return dataclasses.replace(pretrained, outcome=Outcome(**found))
        except _Failure as failure:
            return dataclasses.replace(pretrained, failure=str(failure))

    def finetune(self, task: Task, name: str) -> list[float]:
        """The accuracy with each seed.

        Args:
            task: what to do.
            name: of the encoder; what is there under this name is not done again.

        Raises:
            UserError: the program failed.
        """
        folder = self._folder / "finetuned"
        folder.mkdir(exist_ok=True)
        program = [sys.executable, "-m", "benchmarks.pretraining.finetune"]
        try:
            return self._run([*program, task.to_json()], folder / f"{name}.json")
        except _Failure as failure:
            raise UserError(
                f"finetune: expected accuracies, received {failure}."
            ) from failure

    def weights(self, contestant: Contestant, learning_rate: float) -> pathlib.Path:
        """The file with what it has learnt."""
        return self._output(contestant, learning_rate) / WEIGHTS

    def _output(self, contestant: Contestant, learning_rate: float) -> pathlib.Path:
        return self._folder / f"{contestant.key}-{learning_rate:g}"

    def _run(self, command: Sequence[str], path: pathlib.Path) -> Any:
        """What is in the file, or else the JSON that the command ends with."""
        if not path.exists():
            log = path.with_suffix(".log")
            logging.info("%s; its log is %s.", command[2], log)
            try:
                usage.run(command, cores=self._cores, log=log)
                found = json.loads(usage.last_line(log))
            except (subprocess.CalledProcessError, ValueError) as error:
                raise _Failure(f"{usage.last_line(log)!r} (see {log})") from error
            write_atomically(path, json.dumps(found).encode())
        return json.loads(path.read_text())


class _Failure(Exception):
    """A program did not do what it was to do."""


def describe_machine() -> str:
    """The processor, the memory, the load and the versions, on one line."""
    versions = [
        ("tensorflow", metadata.version("tensorflow")),
        *environments.versions("keras_hub", "keras-hub"),
        *environments.versions("transformers", "transformers", "torch"),
    ]
    return f"{machine.describe()}; Python {platform.python_version()}, " + ", ".join(
        f"{name} {version}" for name, version in versions
    )
