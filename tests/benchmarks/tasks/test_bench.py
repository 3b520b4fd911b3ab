"""The benchmark as it is run, on hardly any text with a BERT of hardly any weights."""

import dataclasses
import json
import pathlib
import sys

import pytest

from benchmarks.tasks import bench as benches
from benchmarks.tasks.catalogue import Contest
from benchmarks.tasks.contestants import Contestant
from bert_tf.config import BertConfig, TaskConfig
from bert_tf.modeling.checkpoints.formats import read_pretrained
from tests.tasks.made_bert import write_bert

CONTESTS = {
    "pairs": Contest(
        name="Pairs",
        task=TaskConfig("pair_classification", max_seq_length=16),
        train_file="pairs.jsonl",
        eval_file="pairs.jsonl",
        metric="accuracy",
    ),
    "films": Contest(
        name="Films",
        task=TaskConfig("classification", max_seq_length=16),
        train_file="films.tsv",
        metric="accuracy",
        num_epochs=2,
    ),
    "copies": Contest(
        name="Copies",
        task=TaskConfig("seq2seq", max_seq_length=16),
        train_file="copies.tsv",
        eval_file="copies.tsv",
        metric="exact_match",
        random_encoder=BertConfig(
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=16,
        ),
    ),
}
# A peer that answers all wrong after the first epoch, and all right after the second.
PEER = """
import json, pathlib, sys
job = json.loads(sys.argv[1])
lines = pathlib.Path(job["examples"], "eval.jsonl").read_text().splitlines()
right = [json.loads(line)["target"] for line in lines]
wrong = ["bad" if label == "good" else "good" for label in right]
paths = []
for number, labels in enumerate((wrong, right)):
    path = pathlib.Path(job["output"], f"answers-{number}.jsonl")
    path.write_text("".join(json.dumps({"label": each}) + chr(10) for each in labels))
    paths.append(str(path))
print("done")
print(json.dumps({"figures": [], "answers": paths}))
"""


@dataclasses.dataclass(frozen=True)
class Scripted(Contestant):
    """A contestant that is a script."""

    script: str = ""

    def command(self, job, folder):
        return [sys.executable, "-c", self.script, job.to_json()]


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    words = {"good": "good great fine nice", "bad": "bad poor awful sad"}
    lines = [
        f"the film {verb} {word} {sign}\t{label}"
        for label, of_label in words.items()
        for word in of_label.split()
        for verb in ("is", "was")
        for sign in (".", "?", ",")
    ]
    # Without a header, the label comes first.
    (folder / "films.tsv").write_text(
        "".join("\t".join(line.split("\t")[::-1]) + "\n" for line in lines)
    )
    (folder / "pairs.jsonl").write_text(
        "".join(
            json.dumps({"gold_label": label, "sentence1": "a film", "sentence2": "a"})
            + "\n"
            for label in ("good", "bad", "-")
        )
    )
    (folder / "copies.tsv").write_text("Jump twice\tI_JUMP\nrun\tI_RUN\n")
    return folder


@pytest.fixture
def bench(tmp_path, data, monkeypatch):
    monkeypatch.setattr(benches, "CONTESTS", CONTESTS)
    return benches.Bench(
        tmp_path / "bench",
        data=data,
        encoder=write_bert(tmp_path / "bert"),
        environments=tmp_path,
        dtype_policy="float32",
    )


def scripted(monkeypatch, script):
    monkeypatch.setitem(benches.CONTESTANTS, "peer", Scripted("Peer", "", script=script))


@pytest.mark.slow
def test_ours_learns_and_is_not_run_again(bench, tmp_path, monkeypatch):
    result = bench.run("films", "ours", 1)

    assert not result.failure
    assert len(result.figures) == 2
    assert 0 <= result.figures[-1]["accuracy"] <= 1
    assert set(result.figures[-1]) == {"accuracy", "f1", "matthews"}
    (folder,) = (tmp_path / "bench/films").glob("ours-1-*")
    assert sorted(path.name for path in folder.iterdir()) == [
        *("job.json", "log.txt", "result.json"),
    ]
    monkeypatch.delitem(benches.CONTESTANTS, "ours")
    assert bench.run("films", "ours", 1) == result


def test_answers_are_judged_by_our_metrics(bench, monkeypatch):
    scripted(monkeypatch, PEER)

    result = bench.run("films", "peer", 0)

    assert [figures["accuracy"] for figures in result.figures] == [0.0, 1.0]
    assert result.seconds > 0


def test_pairs_on_which_nobody_agreed_are_for_no_system(bench, tmp_path, monkeypatch):
    scripted(monkeypatch, PEER)

    result = bench.run("pairs", "peer", 0)

    assert [figures["accuracy"] for figures in result.figures] == [0.0, 1.0]
    (job,) = (tmp_path / "bench/pairs").glob("peer-0-*/job.json")
    assert json.loads(job.read_text())["config"]["task"]["labels"] == ["bad", "good"]


def test_a_failure_is_told_and_tried_again(bench, monkeypatch):
    scripted(monkeypatch, "raise SystemExit('out of luck')")
    failed = bench.run("films", "peer", 0)

    assert "out of luck" in failed.failure
    assert not failed.figures

    scripted(monkeypatch, PEER)
    assert not bench.run("films", "peer", 0).failure


def test_answers_that_cannot_be_judged_are_told(bench, monkeypatch):
    scripted(monkeypatch, PEER.replace("right)):", "right[1:])):"))

    assert "answers that metrics refuse" in bench.run("films", "peer", 0).failure


def test_a_missing_file_and_a_missing_environment_are_told(bench, data):
    assert "make bench-tasks" in bench.run("films", "transformers", 0).failure

    (data / "copies.tsv").unlink()
    assert "copies.tsv" in bench.run("copies", "transformers", 0).failure


def test_other_settings_are_another_result(bench, tmp_path, monkeypatch):
    scripted(monkeypatch, PEER)
    bench.run("films", "peer", 0)
    faster = dataclasses.replace(CONTESTS["films"], learning_rate=1e-3)
    monkeypatch.setattr(benches, "CONTESTS", {"films": faster})
    other = benches.Bench(
        tmp_path / "bench",
        data=tmp_path / "data",
        encoder=str(tmp_path / "bert"),
        environments=tmp_path,
        dtype_policy="float32",
    )

    other.run("films", "peer", 0)

    jobs = [
        json.loads(path.read_text())["config"]
        for path in (tmp_path / "bench/films").glob("peer-0-*/job.json")
    ]
    assert sorted(job["learning_rate"] for job in jobs) == [1e-4, 1e-3]
    assert all(job["task"]["labels"] == ["bad", "good"] for job in jobs)


def test_random_encoders_know_all_words_and_differ(bench, tmp_path, monkeypatch):
    scripted(monkeypatch, "raise SystemExit(1)")
    for seed in range(2):
        bench.run("copies", "peer", seed)

    first, second = (
        read_pretrained(str(tmp_path / f"bench/copies/encoder-{seed}"))
        for seed in range(2)
    )

    assert first.vocabulary.tokens[5:] == ("_", "i", "jump", "run", "twice")
    name = "bert/embeddings/word_embeddings"
    assert not (first.weights[name] == second.weights[name]).all()
    assert pathlib.Path(tmp_path / "bench/copies/examples/eval.jsonl").exists()
