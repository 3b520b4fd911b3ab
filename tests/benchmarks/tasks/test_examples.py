"""What peers are given to read."""

import json

from benchmarks.tasks import examples
from bert_tf.data.task_files.squad import GoldAnswers
from bert_tf.tasks.task import Example


def written(tmp_path, example, task):
    path = tmp_path / "examples.jsonl"
    examples.write([example, example], path, task=task)
    first, second = map(json.loads, path.read_text().splitlines())
    assert first == second
    return first


def test_inputs_and_targets_are_as_they_were_read(tmp_path):
    example = Example({"words": ["a", "b"]}, ["O", "B-X"], line=3)

    assert written(tmp_path, example, "tagging") == {
        "inputs": {"words": ["a", "b"]},
        "target": ["O", "B-X"],
    }


def test_answers_have_names(tmp_path):
    example = Example(
        {"question": "Who?", "context": "It is Bob."}, GoldAnswers("1", ("Bob",), (6, 9))
    )

    assert written(tmp_path, example, "question_answering")["target"] == {
        "id": "1",
        "answers": ["Bob"],
        "span": [6, 9],
    }


def test_articles_are_sentences_of_which_the_best_extract_has_some(tmp_path):
    example = Example(
        {"text": "The cat sat on the mat.\n\nIt was warm. A dog ran past the house."},
        "a dog ran past the house",
    )

    assert written(tmp_path, example, "summarisation") == {
        "inputs": {
            "sentences": [
                "The cat sat on the mat.",
                "It was warm.",
                "A dog ran past the house.",
            ]
        },
        "target": [False, False, True],
    }
