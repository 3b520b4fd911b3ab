"""What programs are given line by line, and the program that answers from a run."""

import json
import subprocess
import sys

import pytest

from bert_tf.config import FinetuneConfig, TaskConfig
from bert_tf.data.raw_lines import parse_lines
from bert_tf.errors import UserError
from bert_tf.training.finetune_lib import finetune_and_evaluate

NAMES = ["text", "text_pair"]


def parse(*lines, names=NAMES, are_objects=False):
    return list(parse_lines(lines, names, are_objects=are_objects))


def test_texts_and_objects():
    assert parse("a", "", names=["text"]) == [{"text": "a"}, {"text": ""}]
    assert parse('{"text": "a", "id": 3}', names=["text"], are_objects=True) == [
        {"text": "a"}
    ]
    assert parse('{"text": "a", "text_pair": "b"}') == [{"text": "a", "text_pair": "b"}]


@pytest.mark.parametrize("line", ["a", "[]", '{"text": "a"}'])
def test_lines_that_are_no_inputs(line):
    with pytest.raises(UserError, match="line 2: expected a JSON object with text"):
        parse('{"text": "a", "text_pair": "b"}', line)


def test_the_program_answers_from_a_run(bert, tmp_path):
    (tmp_path / "train.tsv").write_text("text\tlabel\ngood film\tyes\nbad film\tno\n")
    config = FinetuneConfig(
        task=TaskConfig(name="classification", max_seq_length=16),
        init_checkpoint=bert,
        train_file=str(tmp_path / "train.tsv"),
        eval_file=str(tmp_path / "train.tsv"),
        train_batch_size=2,
        num_epochs=1,
    )
    finetune_and_evaluate(config, str(tmp_path / "run"))

    done = subprocess.run(
        [
            *(sys.executable, "-m", "bert_tf.predict"),
            *(f"--workdir={tmp_path / 'run'}", "--input=-"),
        ],
        input="a good film\n\n",
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["text"] == "a good film"
    assert set(first["probabilities"]) == {"no", "yes"}
    assert second["text"] == ""
