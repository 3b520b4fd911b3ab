"""Runs what is measured, one command at a time, and keeps what it took."""

import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata

from absl import logging

from benchmarks import environments, machine, usage
from benchmarks.data import generators, long_text, report
from bert_tf.errors import UserError


class Bench:
    """A folder with texts, outputs, logs and, after each run, the results so far."""

    def __init__(
        self,
        folder: pathlib.Path,
        documents: Sequence[long_text.Document],
        results: report.Results,
    ):
        """Makes the folder.

        Args:
            folder: all is written there.
            documents: that all texts are made of.
            results: runs are added to them.

        Raises:
            UserError: the machine has one core.
        """
        self.results = results
        self._documents = documents
        self._cores = sorted(os.sched_getaffinity(0))
        if len(self._cores) < 2:
            raise UserError(
                "Expected two processor cores, received one; use a larger machine."
            )
        self._folder = folder
        self._work = folder / "work"
        self._logs = folder / "logs"
        self.remove_work()
        for made in (self._work, self._logs):
            made.mkdir(parents=True, exist_ok=True)

    def generate(
        self, generator: generators.Generator, megabytes: float, runs: list[report.Run]
    ) -> None:
        """Makes examples of so much text and adds the run to `runs`, one of the results.

        Raises:
            UserError: the generator failed.
        """
        text = self._work / f"{megabytes:g}MB.txt"
        if not text.exists():
            long_text.write_text(self._documents, text, num_bytes=1e6 * megabytes)
        output = self._output(generator)
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        command = generator.command(text, output)
        load_average = os.getloadavg()[0]
        used = self._run(command, generator.file_name, num_cores=generator.num_cores)
        run = report.Run(
            name=generator.name,
            text_bytes=text.stat().st_size,
            usage=used,
            counts=generator.count(output),
            load_average=load_average,
        )
        runs.append(run)
        logging.info(
            "%s: %.1f MB of text in %.1f s, %.1f s of processor time, %.0f MB.",
            run.name,
            run.text_bytes / 1e6,
            used.wall_seconds,
            used.cpu_seconds,
            used.peak_bytes / 1e6,
        )
        self._save()

    def read(self, generator: generators.Generator) -> None:
        """Reads what `generate` wrote last with this generator, as training does.

        Raises:
            UserError: it cannot be read.
        """
        command = [
            *(sys.executable, "-m", "benchmarks.data.reading"),
            f"--data_dir={self._output(generator)}",
        ]
        log_name = f"{generator.file_name}-reading"
        self._run(command, log_name, num_cores=1)
        said = json.loads(usage.last_line(self._log(log_name)))
        rate = said["examples_per_second"]
        self.results.reading_rates.setdefault(generator.name, []).append(rate)
        logging.info("%s: read %.0f examples a second.", generator.name, rate)
        self._save()

    def write_report(self) -> str:
        """Writes `results.md` and returns it."""
        markdown = report.to_markdown(self.results)
        (self._folder / "results.md").write_text(markdown, encoding="utf-8")
        return markdown

    def remove_work(self) -> None:
        """Removes texts and examples, some gigabytes."""
        shutil.rmtree(self._work, ignore_errors=True)

    def _output(self, generator: generators.Generator) -> pathlib.Path:
        return self._work / generator.file_name

    def _log(self, name: str) -> pathlib.Path:
        return self._logs / f"{name}.log"

    def _run(
        self, command: Sequence[str], log_name: str, *, num_cores: int
    ) -> usage.Usage:
        log = self._log(log_name)
        os.sync()  # writing what others have left to write is not this one's work
        try:
            return usage.run(command, cores=self._cores[-num_cores:], log=log)
        except subprocess.CalledProcessError as error:
            raise UserError(
                f"{command[2]}: expected it to succeed, received exit code "
                f"{error.returncode} and {usage.last_line(log)!r}; see {log}."
            ) from error

    def _save(self) -> None:
        path = self._folder / "results.json"
        path.write_text(report.to_json(self.results), encoding="utf-8")


def describe_machine() -> str:
    """The processor, the memory, the load and the versions, on one line."""
    versions = [
        *((name, metadata.version(name)) for name in ("tensorflow", "apache-beam")),
        *environments.versions("hugging_face", "datasets", "tokenizers"),
        *environments.versions("model_garden", "tf-models-official"),
    ]
    return f"{machine.describe()}; Python {platform.python_version()}, " + ", ".join(
        f"{name} {version}" for name, version in versions
    )
