"""What systems are told and tell."""

import json
import sys

from benchmarks.tasks.job import Job, Outcome
from bert_tf.config import FinetuneConfig, TaskConfig


def test_a_job_survives_the_command_line(monkeypatch):
    config = FinetuneConfig(task=TaskConfig("classification", labels=("ham", "spam")))
    job = Job(config=config, examples="examples", output="output")
    monkeypatch.setattr(sys, "argv", ["program", job.to_json()])

    assert Job.from_arguments() == job


def test_examples_are_read_by_line(tmp_path):
    # U+2028 ends no line.
    examples = [{"inputs": {"text": "a\u2028b"}, "target": "1"}, {"inputs": {}}]
    lines = (json.dumps(each, ensure_ascii=False) for each in examples)
    (tmp_path / "eval.jsonl").write_text("".join(f"{line}\n" for line in lines))

    job = Job(config=FinetuneConfig(), examples=str(tmp_path), output="")

    assert job.read_examples("eval") == examples


def test_an_outcome_is_printed_as_json(capsys):
    outcome = Outcome(figures=[{"accuracy": 0.5}, {"accuracy": 0.75}])

    outcome.print()

    assert Outcome(**json.loads(capsys.readouterr().out)) == outcome
