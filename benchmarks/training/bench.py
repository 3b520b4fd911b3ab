"""Trains with one system at a time, and keeps how fast that was."""

import json
import os
import pathlib
import subprocess
from importlib import metadata

from absl import logging

from benchmarks import environments, machine, usage
from benchmarks.training import report
from benchmarks.training.contestants import Contestant
from benchmarks.training.workload import Measurement, Workload


class Bench:
    """A folder with logs and, after each run, the results so far."""

    def __init__(self, folder: pathlib.Path, results: report.Results):
        """Makes the folder.

        Args:
            folder: all is written there.
            results: runs are added to them.

        Raises:
            UserError: the machine has one core.
        """
        self.results = results
        self._cores = machine.two_cores()
        self._folder = folder
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)

    def train(self, contestant: Contestant, workload: Workload, *, turn: int) -> None:
        """Trains for a while and adds the run to the results, also if it failed."""
        log = self._logs / f"{contestant.key}.log"
        run = report.Run(
            name=contestant.name,
            workload=workload,
            turn=turn,
            load_average=os.getloadavg()[0],
        )
        what = f"{run.name}, {workload.setting}, {workload.batch_size} examples"
        try:
            used = usage.run(contestant.command(workload), cores=self._cores, log=log)
            run.measurement = Measurement(**json.loads(usage.last_line(log)))
            run.peak_bytes = used.peak_bytes
            rate = run.measurement.tokens_per_second
            logging.info("%s: %.0f tokens a second.", what, rate)
        except (subprocess.CalledProcessError, TypeError, ValueError):
            run.failure = usage.last_line(log)
            logging.warning("%s failed: %s; see %s.", what, run.failure, log)
        self.results.runs.append(run)
        path = self._folder / "results.json"
        path.write_text(report.to_json(self.results), encoding="utf-8")

    def write_report(self) -> str:
        """Writes `results.md` and returns it."""
        markdown = report.to_markdown(self.results)
        (self._folder / "results.md").write_text(markdown, encoding="utf-8")
        return markdown


def describe_machine() -> str:
    """The processor, the memory, the load and the versions, on one line."""
    stacks = [
        [("bert_tf", ""), ("tensorflow", metadata.version("tensorflow"))],
        environments.versions("keras_hub", "keras-hub", "keras", "tensorflow"),
        environments.versions("transformers", "transformers", "torch"),
        environments.versions("model_garden", "tf-models-official", "tensorflow"),
    ]
    return machine.describe_with(stacks)
