"""The program that asks an exported model, in processes of its own."""

import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from bert_tf.errors import UserError
from bert_tf.predict import format_filled_masks, load_signature
from tests.serving.test_export import version_dir, workdir  # noqa: F401
from tests.test_cli import run


@pytest.fixture
def model_dir(version_dir):  # noqa: F811
    return version_dir.rsplit("/", 1)[0]


def test_answers_a_file_line_by_line(model_dir, tmp_path):
    lines = ["a [MASK] b", "", "c [MASK] [MASK]"] + ["[MASK]"] * 40
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n")

    result = run(
        "bert_tf.predict", f"--model_dir={model_dir}", f"--input={tmp_path}/in.txt"
    )

    assert result.returncode == 0 and not result.stderr
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["text"] for answer in answers] == lines
    assert [len(answer["masks"]) for answer in answers] == [1, 0, 2] + [1] * 40
    token, probability = answers[0]["masks"][0][0]
    assert isinstance(token, str) and 0 < probability < 1


def test_answers_standard_input_with_embeddings(model_dir):
    result = run(
        "bert_tf.predict",
        f"--model_dir={model_dir}",
        "--signature=embed",
        "--input=-",
        input="a b\n",
    )

    (answer,) = map(json.loads, result.stdout.splitlines())
    assert answer.keys() == {"text", "pooled_output", "mean_pooled_output"}
    assert len(answer["pooled_output"]) == 16


def test_answers_a_compressed_file_of_objects_with_a_byte_order_mark(model_dir, tmp_path):
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(gzip.compress('\ufeff{"text": "é [MASK]"}\r\n'.encode()))

    result = run("bert_tf.predict", f"--model_dir={model_dir}", f"--input={path}")

    (answer,) = map(json.loads, result.stdout.splitlines())
    assert answer["text"] == "é [MASK]" and len(answer["masks"]) == 1


def test_answers_a_person(model_dir):
    result = run("bert_tf.predict", f"--model_dir={model_dir}", "--text=a [MASK] b")

    text, filled, *_ = result.stdout.splitlines()
    assert text == "a [MASK] b"
    assert filled.startswith("  1. ") and len(filled.split()) == 1 + 2 * 3


def test_what_is_no_utf_8_is_answered(model_dir):
    result = subprocess.run(
        [
            *(sys.executable, "-m", "bert_tf.predict", f"--model_dir={model_dir}"),
            *("--signature=embed", b"--text=caf\xe9"),
        ],
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0 and not result.stderr
    assert json.loads(result.stdout)["text"] == "caf\ufffd"


def test_an_exported_model_cannot_be_told_how_to_write(tmp_path):
    result = run(
        "bert_tf.predict", f"--model_dir={tmp_path}", "--text=a", "--sampling=beam"
    )

    assert result.returncode == 2
    assert "--sampling: expected with --workdir alone" in result.stderr


def test_needs_none_of_our_models(model_dir):
    program = (
        "import sys; from bert_tf import predict;"
        f"s = predict.load_signature({model_dir!r}, 'serving_default');"
        "list(predict.answers(s, [{'text': 'a [MASK]'}], batch_size=1));"
        "print(*(name for name in sys.modules if name.startswith('bert_tf.')))"
    )

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )

    loaded = result.stdout.split()
    assert "bert_tf.predict" in loaded, result.stderr
    foreign = ("bert_tf.modeling", "bert_tf.serving.servable", "bert_tf.tasks.task")
    assert not [name for name in loaded if name.startswith(foreign)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model_dir=none", "--text=a"], "Expected a folder, received 'none'"),
        (["--model_dir=tests", "--text=a"], "Expected a SavedModel in 'tests'"),
        (["--model_dir=tests"], "Expected either --text or --input"),
        (["--model_dir=tests", "--text=a", "--input=b"], "Expected either"),
    ],
)
def test_mistakes_are_one_line(arguments, message):
    result = run("bert_tf.predict", *arguments)

    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("damage", ["graph", "index", "weights"])
def test_a_damaged_export_is_told_as_one(model_dir, tmp_path, damage):
    version = shutil.copytree(pathlib.Path(model_dir) / "1", tmp_path / "1")
    if damage == "graph":
        (version / "saved_model.pb").write_bytes(b"junk")
    elif damage == "index":
        (version / "variables" / "variables.index").unlink()
    else:
        os.truncate(version / "variables" / "variables.data-00000-of-00001", 100)

    with pytest.raises(UserError, match=f"whole SavedModel in '{version}', .* damaged"):
        load_signature(str(tmp_path), "serving_default")


def test_an_input_that_is_not_there(model_dir):
    result = run("bert_tf.predict", f"--model_dir={model_dir}", "--input=none.txt")

    assert result.returncode == 2
    assert "Expected a file of examples, received 'none.txt', which ca" in result.stderr


def test_an_empty_input(model_dir):
    result = run("bert_tf.predict", f"--model_dir={model_dir}", "--input=-", input="")

    assert result.returncode == 2
    assert "a text a line, received an empty '-'" in result.stderr


def test_what_takes_no_text_is_not_asked(model_dir):
    result = run(
        "bert_tf.predict", f"--model_dir={model_dir}", "--signature=encode", "--text=a"
    )

    assert result.returncode == 2
    assert "Expected a signature that takes text, received 'encode'" in result.stderr


def test_texts_without_a_mask_are_told_of(model_dir):
    result = run("bert_tf.predict", f"--model_dir={model_dir}", "--text=a b")

    assert result.returncode == 0
    assert "No text has a [MASK]" in result.stderr


def test_format_filled_masks():
    answer = {"text": "a [MASK] [MASK]", "masks": [[["b", 0.5]], [["c", 0.25]]]}

    assert format_filled_masks(answer) == "a [MASK] [MASK]\n  1. b 0.50\n  2. c 0.25"
