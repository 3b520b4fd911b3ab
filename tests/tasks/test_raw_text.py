"""The program that answers from a run."""

import json
import subprocess
import sys

from bert_tf.config import FinetuneConfig, TaskConfig
from bert_tf.training.finetune_lib import finetune_and_evaluate


def predict(workdir, lines):
    return subprocess.run(
        [
            *(sys.executable, "-m", "bert_tf.predict"),
            *(f"--workdir={workdir}", "--input=-"),
        ],
        input=lines,
        capture_output=True,
        text=True,
    )


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

    done = predict(tmp_path / "run", "a good film\n\n")
    nothing = predict(tmp_path / "run", "")

    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["text"] == "a good film"
    assert set(first["probabilities"]) == {"no", "yes"}
    assert second["text"] == ""
    assert nothing.returncode == 2
    assert "Expected a text a line, received an empty '-'" in nothing.stderr
