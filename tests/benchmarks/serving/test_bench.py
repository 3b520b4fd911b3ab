"""The benchmark as it is run, on a tiny model for one call."""

import dataclasses
import pathlib
import statistics
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.serving import bench as benches
from benchmarks.serving import contestants, report
from benchmarks.serving.job import Setting
from bert_tf import errors
from bert_tf.config import to_json
from bert_tf.modeling.checkpoints.formats import read_pretrained
from tests.benchmarks.serving.made_words import VOCABULARY

SETTING = Setting("tiny", 16, "float32", 8)
WITHOUT_KERAS = """
import runpy, sys
sys.modules["keras"] = None  # cannot be imported
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


class WithoutKeras(contestants.Contestant):
    """Ours, where there is no Keras."""

    def command(self, job):
        program = f"benchmarks.serving.systems.{self.key}"
        return [self.python, "-c", WITHOUT_KERAS, program, to_json(job)]


@dataclasses.dataclass(frozen=True)
class Scripted(contestants.Contestant):
    """A contestant that is two scripts."""

    export_script: str = ""
    script: str = ""

    def export_command(self, export):
        return [self.python, "-c", self.export_script, to_json(export)]

    def command(self, job):
        return [self.python, "-c", self.script, to_json(job)]


def make_bench(folder):
    results = report.Results(machine="", vocabulary="", num_turns=1)
    bench = benches.Bench(folder, results, warmup_seconds=0, seconds=0)
    (folder / "models/tiny").mkdir()
    return bench


@pytest.mark.slow
def test_ours_answers_without_keras_and_is_measured(tmp_path):
    ours = WithoutKeras("ours", contestants.OURS, sys.executable)
    results = report.Results(machine="", vocabulary="", num_turns=1)
    bench = benches.Bench(tmp_path, results, warmup_seconds=0, seconds=0)
    bench.prepare(["tiny"], [16], VOCABULARY)

    bench.run(ours, SETTING, turn=1)

    (run,) = results.runs
    assert not run.failure
    assert run.measurement.num_calls == 1
    assert statistics.stdev(run.measurement.probabilities) > 0.01
    assert run.peak_bytes > 100e6
    assert run.disk_bytes > 1e6
    assert (tmp_path / "results.json").read_text() == report.to_json(results)
    assert ours.name in bench.write_report()
    assert "failed" not in (tmp_path / "results.md").read_text().partition("##")[2]
    # What the others make their models of.
    of_run, of_others = (
        read_pretrained(str(tmp_path / f"models/tiny/{name}")).weights
        for name in ("run", "hugging_face")
    )
    assert of_run.keys() == of_others.keys()
    for name, weights in of_run.items():
        np.testing.assert_array_equal(weights, of_others[name])


def test_a_model_that_cannot_be_written_is_told_and_not_tried_again(tmp_path):
    broken = contestants.Contestant("missing", "Broken", sys.executable)
    bench = make_bench(tmp_path)

    bench.run(broken, SETTING, turn=1)
    log = tmp_path / "logs/missing-export.log"
    log.unlink()
    bench.run(broken, dataclasses.replace(SETTING, batch_size=1), turn=1)

    for run in bench.results.runs:
        assert run.failure.startswith("no model was written: ")
        assert "No module named benchmarks.serving.exports.missing" in run.failure
    assert not log.exists()


@pytest.mark.parametrize(
    "script", ["raise SystemExit('out of luck')", "print('out of luck')"]
)
def test_a_system_that_does_not_measure_is_told_with_its_last_words(tmp_path, script):
    broken = Scripted("broken", "Broken", sys.executable, script=script)
    bench = make_bench(tmp_path)

    bench.run(broken, SETTING, turn=1)

    assert bench.results.runs[0].failure == "out of luck"


def test_models_of_another_call_are_not_used_again(tmp_path):
    left = tmp_path / "models/tiny/ours-float32"
    left.mkdir(parents=True)

    make_bench(tmp_path)

    assert not left.exists()


def test_a_missing_environment_is_told(tmp_path):
    with pytest.raises(errors.UserError, match="make bench-serving"):
        contestants.contestants(["keras_hub"], tmp_path)


def test_the_machine_is_described_with_the_peers_versions():
    described = benches.describe_machine()

    for name in ("AMX", "on torch 2.", "onnxruntime 1.", "keras-hub 0."):
        assert name in described


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("--systems=ours,theirs", "--systems"),
        ("--sizes=gigantic", "--sizes"),
        ("--lengths=2", "--lengths"),
        ("--batch_sizes=5", "--batch_sizes"),
        ("--dtypes=float16", "--dtypes"),
        ("--vocab_file=missing.txt", "missing.txt"),
    ],
)
def test_wrong_flags_are_told(tmp_path, changed, message):
    command = [sys.executable, "-m", "benchmarks.serving", f"--output={tmp_path}"]

    result = subprocess.run(
        [*command, "--systems=ours", changed],
        capture_output=True,
        text=True,
        cwd=pathlib.Path(__file__).parents[3],
    )

    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert message in result.stderr
