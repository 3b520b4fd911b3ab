"""The benchmark as it is run, on a tiny model for one step."""

import pathlib
import subprocess
import sys

import pytest

from benchmarks.training import bench, contestants, report
from bert_tf import errors
from tests.benchmarks.training import made_examples


@pytest.fixture
def workload(tmp_path):
    return made_examples.workload(tmp_path, dtype="float32", batch_size=4)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["ours", "ours_not_packed"])
def test_ours_trains_and_is_measured(tmp_path, workload, key):
    (ours,) = contestants.contestants([key], tmp_path)
    results = report.Results(machine="", examples=[], num_turns=1)

    bench.Bench(tmp_path, results).train(ours, workload, turn=1)

    (run,) = results.runs
    assert not run.failure
    assert run.measurement.num_steps == 1
    assert run.measurement.num_examples == 4
    assert run.measurement.num_tokens == made_examples.make()["input_mask"][4:8].sum()
    assert run.measurement.peak_flops > 1e9
    assert run.peak_bytes > 100e6
    assert (tmp_path / "results.json").read_text() == report.to_json(results)
    assert ours.name in report.to_markdown(results)


def test_a_system_that_fails_is_told_with_its_last_words(tmp_path, workload):
    broken = contestants.Contestant("broken", "Broken", sys.executable, "missing", ())
    results = report.Results(machine="", examples=[], num_turns=1)

    bench.Bench(tmp_path, results).train(broken, workload, turn=1)

    assert (
        "No module named benchmarks.training.systems.missing" in results.runs[0].failure
    )


def test_a_missing_environment_is_told(tmp_path):
    with pytest.raises(errors.UserError, match="make bench-training"):
        contestants.contestants(["keras_hub"], tmp_path)


def test_the_machine_is_described_with_the_peers_versions():
    described = bench.describe_machine()

    for name in ("AMX", "on torch 2.", "keras-hub 0.", "tf-models-official 2."):
        assert name in described


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("--systems=ours,theirs", "--systems"),
        ("--lengths=64", "--lengths"),
        ("--dtypes=float16", "--dtypes"),
        ("--batch_tokens=100", "--batch_tokens"),
        ("--sizes=gigantic", "size: expected one of tiny"),
        ("--input=missing.txt", "missing.txt"),
    ],
)
def test_wrong_flags_are_told(tmp_path, changed, message):
    text, vocab_file = tmp_path / "text.txt", tmp_path / "vocab.txt"
    text.write_text("time\n")
    vocab_file.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ntime\n")
    flags = [f"--input={text}", f"--vocab_file={vocab_file}", f"--output={tmp_path}"]

    result = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.training"),
            *(*flags, "--systems=ours", changed),
        ],
        capture_output=True,
        text=True,
        cwd=pathlib.Path(__file__).parents[3],
    )

    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert message in result.stderr
