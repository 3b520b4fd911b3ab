"""Asks one system at a time, and keeps how fast it answered.

texts/<length>.txt               see texts.py
models/<size>/                   see models.py
models/<size>/<system>-<dtype>/  what the system has made of it
logs/                            of the systems' programs
"""

import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Sequence
from importlib import metadata

from absl import logging

from benchmarks import environments, machine, usage
from benchmarks.serving import models, report, texts
from benchmarks.serving.contestants import Contestant
from benchmarks.serving.job import Export, Job, Setting
from benchmarks.serving.measuring import Measurement
from benchmarks.serving.sizes import SIZES
from bert_tf.data.vocab import Vocabulary
from bert_tf.serving.stored_model import num_bytes


class Bench:
    """A folder with models, logs and, after each run, the results so far."""

    def __init__(
        self,
        folder: pathlib.Path,
        results: report.Results,
        *,
        warmup_seconds: float,
        seconds: float,
    ):
        """Makes the folder; models that are in it are not used again.

        Args:
            folder: all is written there.
            results: runs are added to them.
            warmup_seconds: of a run, of calls that are not counted.
            seconds: of a run, of calls that are.

        Raises:
            UserError: the machine has one core.
        """
        self.results = results
        self._cores = machine.two_cores()
        self._folder = folder
        self._warmup_seconds = warmup_seconds
        self._seconds = seconds
        self._texts = folder / "texts"
        self._models = folder / "models"
        self._logs = folder / "logs"
        # By the folder of a system's model, why it could not be written; "" if it was.
        self._exported: dict[pathlib.Path, str] = {}
        shutil.rmtree(self._models, ignore_errors=True)
        for each in (self._texts, self._models, self._logs):
            each.mkdir(parents=True, exist_ok=True)

    def prepare(
        self, sizes: Sequence[str], lengths: Sequence[int], vocabulary: Vocabulary
    ) -> None:
        """Makes the texts and the models that all systems are given.

        Raises:
            UserError: texts cannot be made of the vocabulary.
        """
        for length in lengths:
            lines = (f"{text}\n" for text in texts.make_texts(vocabulary, length))
            path = self._text_file(length)
            path.write_text("".join(lines), encoding="utf-8")
        for size in sizes:
            models.write(self._models / size, SIZES[size], vocabulary)

    def run(self, contestant: Contestant, setting: Setting, *, turn: int) -> None:
        """Measures a system and adds the run to the results, also if it failed."""
        run = report.Run(
            name=contestant.name,
            setting=setting,
            turn=turn,
            load_average=os.getloadavg()[0],
        )
        what = f"{run.name}, {setting}"
        try:
            self._measure(contestant, run)
            logging.info("%s: %.2f ms.", what, 1000 * run.measurement.p50_seconds)
        except _Failure as failure:
            run.failure = str(failure)
            logging.warning("%s failed: %s.", what, failure)
        self.results.runs.append(run)
        path = self._folder / "results.json"
        path.write_text(report.to_json(self.results), encoding="utf-8")

    def write_report(self) -> str:
        """Writes `results.md` and returns it."""
        markdown = report.to_markdown(self.results)
        (self._folder / "results.md").write_text(markdown, encoding="utf-8")
        return markdown

    def _measure(self, contestant: Contestant, run: report.Run) -> None:
        """Fills in what a run gives; raises _Failure."""
        model = self._model(contestant, run.setting)
        job = Job(
            setting=run.setting,
            model=str(model),
            texts=str(self._text_file(run.setting.length)),
            warmup_seconds=self._warmup_seconds,
            seconds=self._seconds,
        )
        log = self._logs / f"{contestant.key}.log"
        used = self._call(contestant.command(job), log)
        try:
            run.measurement = Measurement(**json.loads(usage.last_line(log)))
        except (TypeError, ValueError) as error:
            raise _Failure(usage.last_line(log)) from error
        run.peak_bytes = used.peak_bytes
        run.disk_bytes = num_bytes(str(model))

    def _model(self, contestant: Contestant, setting: Setting) -> pathlib.Path:
        """The folder of a system's model, which is written when it is first wanted."""
        source = self._models / setting.size
        output = source / f"{contestant.key}-{setting.dtype}"
        if output not in self._exported:
            self._exported[output] = self._export(contestant, setting.dtype, output)
        if self._exported[output]:
            raise _Failure(self._exported[output])
        return output

    def _export(self, contestant: Contestant, dtype: str, output: pathlib.Path) -> str:
        """Writes a system's model; returns what prevented it, or ""."""
        output.mkdir()
        export = Export(
            run=str(output.parent / "run"),
            hugging_face=str(output.parent / "hugging_face"),
            dtype=dtype,
            output=str(output),
        )
        logging.info("%s writes %s.", contestant.name, output)
        try:
            log = self._logs / f"{contestant.key}-export.log"
            self._call(contestant.export_command(export), log)
        except _Failure as failure:
            return f"no model was written: {failure}"
        return ""

    def _call(self, command: list[str], log: pathlib.Path) -> usage.Usage:
        """Runs a program; raises _Failure with its last words."""
        try:
            return usage.run(command, cores=self._cores, log=log)
        except subprocess.CalledProcessError as error:
            raise _Failure(usage.last_line(log)) from error

    def _text_file(self, length: int) -> pathlib.Path:
        return self._texts / f"{length}.txt"


class _Failure(Exception):
    """A program did not do what it was to do."""


def describe_machine() -> str:
    """The processor, the memory, the load and the versions, on one line."""
    stacks = [
        [("bert_tf", ""), ("tensorflow", metadata.version("tensorflow"))],
        environments.versions("transformers", "transformers", "torch"),
        environments.versions("onnx_runtime", "onnxruntime", "tokenizers"),
        environments.versions("keras_hub", "keras-hub", "keras", "tensorflow"),
    ]
    return machine.describe_with(stacks)
