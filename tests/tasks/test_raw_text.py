"""The program that answers from a run."""

import json
import subprocess
import sys
import threading

import pytest

from bert_tf.config import FinetuneConfig, TaskConfig
from bert_tf.training.finetune_lib import finetune_and_evaluate
from tests.test_cli import run


def predict(workdir, *arguments, lines=""):
    return subprocess.run(
        [
            *(sys.executable, "-m", "bert_tf.predict"),
            *(f"--workdir={workdir}", *arguments),
        ],
        input=lines,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def workdir(bert, tmp_path_factory):
    folder = tmp_path_factory.mktemp("classification")
    (folder / "train.tsv").write_text("text\tlabel\ngood film\tyes\nbad film\tno\n")
    config = FinetuneConfig(
        task=TaskConfig(name="classification", max_seq_length=16),
        init_checkpoint=bert,
        train_file=str(folder / "train.tsv"),
        eval_file=str(folder / "train.tsv"),
        train_batch_size=2,
        num_epochs=1,
    )
    finetune_and_evaluate(config, str(folder / "run"))
    return folder / "run"


def test_the_program_answers_from_a_run(workdir):
    done = predict(workdir, "--input=-", lines="a good film\n\n")
    nothing = predict(workdir, "--input=-")

    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["text"] == "a good film"
    assert set(first["probabilities"]) == {"no", "yes"}
    assert second["text"] == ""
    assert nothing.returncode == 2
    assert "Expected a text a line, received an empty '-'" in nothing.stderr


def test_a_line_is_answered_before_the_next_one_comes(workdir):
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "bert_tf.predict", f"--workdir={workdir}"),
            *("--input=-", "--batch_size=1"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        for text in ("a good film", "bad"):
            print(text, file=process.stdin, flush=True)
            assert json.loads(process.stdout.readline())["text"] == text
        process.stdin.close()
        watchdog.cancel()

    assert process.returncode == 0


@pytest.mark.parametrize("name", ["a.txt", "a.tsv"])
def test_texts_that_are_cut_are_counted(name, workdir, tmp_path):
    (tmp_path / name).write_text("text\n" + "good " * 20 + "\ngood\n" * 40)

    done = predict(workdir, f"--input={tmp_path / name}")

    assert f"{name}: 1 of {81 if name == 'a.txt' else 41} examples are longer" in (
        done.stderr
    )


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("test.tsv", "index\tsentence\n0\ta good film\n1\tbad\n", []),
        ("test.csv", 'review\n"a good film"\nbad\n', ["--columns=text=review"]),
        ("test", "7\ta good film\n8\tbad\n", ["--columns=text=1"]),
        ("a.jsonl", '{"sentence": "a good film"}\n{"sentence": "bad"}\n', []),
    ],
)
def test_the_program_answers_a_table_without_labels(
    name, content, columns, workdir, tmp_path
):
    (tmp_path / name).write_text(content)

    done = predict(workdir, f"--input={tmp_path / name}", *columns)

    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["text"] for answer in answers] == ["a good film", "bad"]
    assert answers[1]["line"] == answers[0]["line"] + 1
    assert all(answer["target"] is None for answer in answers)
    assert all(answer["label"] in ("no", "yes") for answer in answers)


@pytest.mark.parametrize("header", ["", "label\ttext\n"])
def test_a_file_with_labels_needs_no_name_that_tells(header, workdir, tmp_path):
    (tmp_path / "films").write_text(f"{header}yes\ta good film\n\nno\tbad\n")

    done = predict(workdir, f"--input={tmp_path}/films")

    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["text"] for answer in answers] == ["a good film", "bad"]
    assert [answer["target"] for answer in answers] == ["yes", "no"]


def test_texts_with_tabs_are_texts(workdir, tmp_path):
    (tmp_path / "lines.txt").write_text("\nyes\ta good film\nERROR\tbad film\nX\tfilm\n")

    done = predict(workdir, f"--input={tmp_path}/lines.txt")

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert "\\tbad film" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model_dir=export", "--input=test.tsv"],
        ["--model_dir=export", "--input=test", "--columns=text=0"],
        ["--workdir=run", "--text=a", "--columns=text=0"],
    ],
)
def test_examples_need_the_run_that_knows_them(arguments):
    done = run("bert_tf.predict", *arguments)

    assert done.returncode == 2
    assert "--input: expected texts in lines or in .jsonl, received" in done.stderr
