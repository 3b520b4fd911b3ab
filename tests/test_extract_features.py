"""The program that writes what layers hold, as a user starts it."""

import json
import subprocess
import sys

import numpy as np
import pytest

from bert_tf.modeling.checkpoints.formats import read_pretrained
from bert_tf.modeling.checkpoints.pretrained import assign
from bert_tf.modeling.models import BertPretrainer
from tests.tasks.made_bert import TOKENS, write_bert

LINES = "the film was good\nthe cat sat ||| a dog ran\n\n"


def extract(folder, output, *flags):
    (folder / "lines.txt").write_text(LINES)
    return subprocess.run(
        [
            *(sys.executable, "-m", "bert_tf.extract_features"),
            f"--init_checkpoint={folder / 'bert'}",
            f"--input={folder / 'lines.txt'}",
            f"--output={folder / output}",
            *flags,
        ],
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    write_bert(folder / "bert")
    return folder


def test_both_formats_hold_the_encoders_outputs(folder):
    for output in ("f.jsonl", "f.npz"):
        done = extract(folder, output, "--layers=-1,0", "--batch_size=2")
        assert done.returncode == 0, done.stderr

    pretrained = read_pretrained(str(folder / "bert"))
    model = BertPretrainer(pretrained.config)
    assign(model, pretrained)
    words = [
        ["[CLS]", "the", "film", "was", "good", "[SEP]"],
        ["[CLS]", "the", "cat", "sat", "[SEP]", "a", "dog", "ran", "[SEP]"],
        ["[CLS]", "[SEP]"],
    ]
    arrays = np.load(folder / "f.npz")
    lines = [json.loads(line) for line in (folder / "f.jsonl").open()]
    assert arrays["row_splits"].tolist() == [0, 6, 15, 17]
    for number, (tokens, line) in enumerate(zip(words, lines, strict=True)):
        ids = np.array([[TOKENS.index(token) for token in tokens]], "int32")
        types = np.array([[0] * 5 + [1] * 4]) if number == 1 else np.zeros_like(ids)
        outputs = model.bert(
            {
                "input_word_ids": ids,
                "input_mask": np.ones_like(ids),
                "input_type_ids": types.astype("int32"),
            }
        )["encoder_outputs"]
        expected = np.stack([outputs[-1][0], outputs[0][0]], axis=1)
        start, stop = arrays["row_splits"][number : number + 2]
        assert arrays["tokens"][start:stop].tolist() == tokens
        np.testing.assert_allclose(
            arrays["token_features"][start:stop], expected, atol=1e-5
        )
        np.testing.assert_allclose(
            arrays["text_features"][number], expected.mean(axis=0), atol=1e-5
        )
        assert line["linex_index"] == number
        assert [layer["index"] for layer in line["text_features"]] == [-1, 0]
        received = [layer["values"] for layer in line["text_features"]]
        np.testing.assert_allclose(received, expected.mean(axis=0), atol=1e-5)
        assert [feature["token"] for feature in line["features"]] == tokens
        for feature, values in zip(line["features"], expected, strict=True):
            assert [layer["index"] for layer in feature["layers"]] == [-1, 0]
            received = [layer["values"] for layer in feature["layers"]]
            np.testing.assert_allclose(received, values, atol=1e-5)


def test_the_last_layers_by_default_as_many_as_there_are(folder):
    done = extract(folder, "default.npz")

    assert done.returncode == 0, done.stderr
    assert np.load(folder / "default.npz")["layers"].tolist() == [-1, -2]


def test_texts_that_are_cut_are_counted(folder):
    done = extract(folder, "cut.npz", "--max_seq_length=6")

    assert done.returncode == 0, done.stderr
    assert np.load(folder / "cut.npz")["row_splits"].tolist() == [0, 6, 12, 14]
    assert "1 of 3 texts are longer than max_seq_length=6" in done.stderr


@pytest.mark.parametrize(
    ("output", "flags", "message"),
    [
        ("f.txt", [], "ends in .jsonl or .npz"),
        ("f.npz", ["--layers=-1,last"], "--layers: expected numbers"),
        ("f.npz", ["--layers="], "--layers: expected numbers such as -1,-2, received ''"),
        (
            "f.npz",
            ["--input=/dev/null"],
            "--input: expected a text a line",
        ),
        ("f.npz", ["--layers=3"], "layers: expected numbers from -3 to 2"),
        ("f.npz", ["--layers=0", "--max_seq_length=65"], "max_position_embeddings=64"),
    ],
)
def test_mistakes(output, flags, message, folder):
    done = extract(folder, output, *flags)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
