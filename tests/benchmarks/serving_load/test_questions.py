"""What counts as the right answer."""

import json

import pytest

from benchmarks.serving_load.questions import Question, newest_version, read_questions
from bert_tf.errors import UserError
from bert_tf.serving.export_lib import MANIFEST_FILE

QUESTION = Question(
    signature="fill",
    inputs={"text": ["a [MASK]", ""]},
    outputs={"tokens": [[["b", "c"]], [["", ""]]], "scores": [[0.5, 100.0], [0.0, 0.0]]},
    tolerance=0.01,
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scores": [[0.507, 101.0], [0.0, 0.0]]},
        {"scores": [[0.5, 100, 0], [0, 0, 0]]},  # as JSON has it, in a wider batch
        {"tokens": [[["b", "c"]], []]},  # in a narrower one
    ],
)
def test_right_answers(changes):
    assert QUESTION.miss({**QUESTION.outputs, **changes}) == ""


@pytest.mark.parametrize(
    ("changes", "miss"),
    [
        ({"scores": [[0.52, 100.0], [0.0, 0.0]]}, "scores: expected"),
        ({"scores": [[None, 100.0], [0.0, 0.0]]}, "scores: expected"),
        ({"scores": [[0.5, 100.0, 1.0], [0.0, 0.0]]}, "scores: expected"),
        ({"scores": [[0.5], [0.0]]}, "scores: expected"),
        ({"scores": [[0.5, 100.0]]}, "scores: expected 2 rows, received 1"),
        ({"tokens": [[["b", "d"]], []]}, "tokens: expected"),
        ({"tokens": ["b", "c"]}, "tokens: expected"),
        ({"more": [1, 2]}, r"expected \['scores', 'tokens'\], received \['more'"),
    ],
)
def test_wrong_answers(changes, miss):
    with pytest.raises(AssertionError, match=miss):
        assert QUESTION.miss({**QUESTION.outputs, **changes}) == ""


def test_rows_and_repetitions():
    assert QUESTION.row(1).inputs == {"text": [""]}
    assert QUESTION.row(1).outputs["tokens"] == [[["", ""]]]
    assert QUESTION.repeated(3).num_rows == 6
    assert QUESTION.repeated(2).outputs["scores"][2] == [0.5, 100.0]


def test_the_newest_version_is_asked(tmp_path):
    for number, signature in (("9", "old"), ("10", "new")):
        manifest = tmp_path / number / MANIFEST_FILE
        manifest.parent.mkdir(parents=True)
        case = {"signature": signature, "inputs": {"x": [1]}, "outputs": {"y": [2]}}
        manifest.write_text(json.dumps({"golden": [case], "tolerance": 0.1}))
    (tmp_path / "11.unfinished").mkdir()

    path = newest_version(str(tmp_path))

    assert path.name == "10"
    assert read_questions(path) == [Question("new", {"x": [1]}, {"y": [2]}, 0.1)]


def test_a_folder_without_an_export(tmp_path):
    (tmp_path / "1").mkdir()

    with pytest.raises(UserError, match="--model_dir: expected a numbered folder"):
        newest_version(str(tmp_path))
