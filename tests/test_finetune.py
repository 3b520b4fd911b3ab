"""Fine-tuning, evaluation and prediction as a user starts them."""

import json
import statistics
import subprocess
import sys

import pytest

from tests.tasks.made_bert import write_bert
from tests.test_cli import run

TABLE = 40 * (
    '{"text": "a", "review": "the film was good", "stars": 5}\n'
    '{"text": "b", "review": "the film was bad", "stars": 1}\n'
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With runs of two seeds in `runs`, and what the program has printed."""
    folder = tmp_path_factory.mktemp("finetune")
    (folder / "table.jsonl").write_text(TABLE)
    result = run(
        "bert_tf.finetune",
        "--task=classification",
        f"--init_checkpoint={write_bert(folder / 'bert')}",
        f"--train_file={folder}/table.jsonl",
        f"--eval_file={folder}/table.jsonl",
        "--columns=text=review,label=stars",
        f"--workdir={folder}/runs",
        "--max_seq_length=16",
        "--num_epochs=1",
        "--num_seeds=2",
    )
    assert result.returncode == 0, result.stderr
    (folder / "printed.txt").write_text(result.stdout)
    return folder


def test_seeds_their_mean_and_spread(folder):
    runs = {
        name: json.loads((folder / "runs" / name / "results.json").read_text())
        for name in ("seed-0", "seed-1")
    }
    results = json.loads((folder / "runs/results.json").read_text())

    assert results["seeds"] == runs
    for name in ("accuracy", "f1", "matthews"):
        values = [figures[name] for figures in runs.values()]
        assert results["mean"][name] == pytest.approx(statistics.fmean(values))
        assert results["spread"][name] == pytest.approx(statistics.stdev(values))
    best = max(runs, key=lambda name: runs[name]["accuracy"])
    assert results["best"] == best
    printed = (folder / "printed.txt").read_text()
    assert f"accuracy  mean {results['mean']['accuracy']:.4f}" in printed
    assert f"best accuracy in {best}" in printed
    seeds = [
        json.loads((folder / "runs" / name / "config.json").read_text())["seed"]
        for name in runs
    ]
    assert seeds == [0, 1]


def test_one_run_and_several_seeds_need_folders_of_their_own(folder):
    before = (folder / "runs/results.json").read_text()
    flags = [
        "--task=classification",
        f"--init_checkpoint={folder}/bert",
        f"--train_file={folder}/table.jsonl",
        f"--eval_file={folder}/table.jsonl",
        "--columns=text=review,label=stars",
        "--max_seq_length=16",
        "--num_epochs=1",
    ]

    single = run("bert_tf.finetune", *flags, f"--workdir={folder}/runs")
    several = run(
        "bert_tf.finetune", *flags, f"--workdir={folder}/runs/seed-0", "--num_seeds=2"
    )

    assert single.returncode == several.returncode == 2
    assert "expected the folder of one run" in single.stderr.lower()
    assert "expected a folder for the runs of several seeds" in several.stderr.lower()
    assert (folder / "runs/results.json").read_text() == before
    assert not (folder / "runs/seed-0/seed-0").exists()


def test_a_seed_is_evaluated_and_asked(folder):
    workdir = f"--workdir={folder}/runs/seed-1"

    evaluated = run(
        "bert_tf.evaluate",
        workdir,
        f"--eval_file={folder}/table.jsonl",
        f"--predictions={folder}/predictions.jsonl",
    )
    asked = run(
        "bert_tf.predict", workdir, "--input=-", input="\ufeffthe film was good\n"
    )

    assert evaluated.returncode == 0, evaluated.stderr
    figures = json.loads(evaluated.stdout)
    expected = json.loads((folder / "runs/seed-1/results.json").read_text())
    assert figures == {name: expected[name] for name in figures}
    predictions = [json.loads(line) for line in (folder / "predictions.jsonl").open()]
    (answer,) = map(json.loads, asked.stdout.splitlines())
    assert answer["text"] == "the film was good"
    assert answer["label"] == predictions[0]["label"]


@pytest.mark.parametrize(
    "line",
    [
        '{"text": "a", "review": "the film was good", "year": NaN}',  # needs no label
        '{"text": "the film was good"}',  # has none of the run's columns
    ],
)
def test_a_run_remembers_its_columns(line, folder):
    (folder / "new.jsonl").write_text(f"{line}\n")

    asked = run(
        "bert_tf.predict",
        f"--workdir={folder}/runs/seed-0",
        f"--input={folder}/new.jsonl",
    )

    assert asked.returncode == 0, asked.stderr
    (answer,) = map(json.loads, asked.stdout.splitlines())
    assert answer["text"] == "the film was good"


@pytest.mark.parametrize(
    ("program", "flags", "message"),
    [
        ("evaluate", ["--workdir={}/runs", "--eval_file=x"], "several seeds the folder"),
        (
            "evaluate",
            ["--workdir={}/runs/seed-0", "--eval_file=x", "--predictions={}/none/x"],
            "whose folder is not there",
        ),
        (
            "finetune",
            [
                "--task=classification",
                "--init_checkpoint={}/runs",
                "--train_file={}/table.jsonl",
                "--eval_file={}/table.jsonl",
                "--workdir={}/other",
            ],
            "several seeds; give one in it, such as seed-0",
        ),
        (
            "finetune",
            [
                "--task=classification",
                "--init_checkpoint=none",
                "--eval_file={}/table.jsonl",
                "--workdir={}/other",
            ],
            "train_file: expected a file to learn from",
        ),
        (
            "predict",
            ["--workdir={}/runs/seed-0", "--text=a", "--signature=embed"],
            "--signature: expected with --model_dir alone",
        ),
        (
            "predict",
            ["--workdir={}/runs/seed-0", "--input=-", "--columns=text=sentence"],
            "--columns: expected with a file as --input",
        ),
    ],
)
def test_mistakes(program, flags, message, folder):
    result = run(f"bert_tf.{program}", *(flag.format(folder) for flag in flags))

    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_who_reads_the_answers_may_stop(folder):
    workdir = f"--workdir={folder}/runs/seed-0"
    process = subprocess.Popen(
        [sys.executable, "-m", "bert_tf.predict", workdir, "--input=-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    process.stdin.write("the film was good\n")
    process.stdin.close()

    assert "Traceback" not in process.stderr.read()
    assert process.wait() == 1
