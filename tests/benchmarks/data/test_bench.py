"""The benchmark as it is run, on hardly any text."""

import pathlib
import subprocess
import sys

import pytest

from benchmarks.data import bench, generators, report
from bert_tf import config, errors

WORDS = ["time", "year", "people", "way", "day", "man", "woman", "two", "three", "four"]
DOCUMENTS = [
    (f"{first} {second} time", "people way") for first in WORDS for second in WORDS
]


@pytest.fixture
def vocab_file(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join([*config.SPECIAL_TOKENS, *WORDS]) + "\n")
    return path


def contestants_of(folder, vocab_file):
    for name in ("model_garden", "hugging_face"):
        (folder / name / "bin").mkdir(parents=True)
        (folder / name / "bin" / "python").touch()
    return generators.contestants(
        vocab_file=str(vocab_file),
        folder=folder,
        text_megabytes=0.02,
        hugging_face_megabytes=0.01,
        model_garden_megabytes=0.01,
    )


@pytest.mark.slow
def test_ours_is_run_counted_and_read(tmp_path, vocab_file):
    ours = contestants_of(tmp_path, vocab_file)[0]
    results = report.Results(machine="", text="", num_rounds=1)
    runner = bench.Bench(tmp_path, DOCUMENTS, results)

    runner.generate(ours, ours.text_megabytes, results.runs)
    runner.read(ours)

    (run,) = results.runs
    assert run.counts.num_examples > 100
    assert run.counts.num_predictions >= run.counts.num_examples
    assert run.usage.peak_bytes > 100e6
    assert results.reading_rates[generators.OURS][0] > 0
    assert (tmp_path / "results.json").read_text() == report.to_json(results)


def test_a_generator_that_fails_is_told_with_its_last_words(tmp_path, vocab_file):
    ours = contestants_of(tmp_path, vocab_file)[0]
    runner = bench.Bench(tmp_path, DOCUMENTS, report.Results("", "", num_rounds=1))
    vocab_file.unlink()

    with pytest.raises(errors.UserError, match=r"exit code 2 and .error: .*vocab\.txt"):
        runner.generate(ours, 0.01, [])


def test_a_missing_environment_is_told(tmp_path, vocab_file):
    with pytest.raises(errors.UserError, match="make bench-data"):
        generators.contestants(
            vocab_file=str(vocab_file),
            folder=tmp_path,
            text_megabytes=1,
            hugging_face_megabytes=1,
            model_garden_megabytes=1,
        )


def test_the_machine_is_described_with_the_peers_versions():
    assert "tf-models-official 2." in bench.describe_machine()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("--input=missing.txt", "--input: expected text files"),
        ("--vocab_file=missing.txt", "--vocab_file: expected a WordPiece vocabulary"),
        ("--growing_mb=many", "--growing_mb"),
        ("--growing_mb=60", "--growing_mb"),
    ],
)
def test_wrong_flags_are_told_in_one_line(tmp_path, vocab_file, changed, message):
    contestants_of(tmp_path, vocab_file)
    text = tmp_path / "text.txt"
    text.write_text("time\n")
    flags = [f"--input={text}", f"--vocab_file={vocab_file}", f"--output={tmp_path}"]

    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.data", *flags, changed],
        capture_output=True,
        text=True,
        cwd=pathlib.Path(__file__).parents[3],
    )

    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
