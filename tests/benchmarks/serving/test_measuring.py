"""What is counted, of systems that take known times."""

import dataclasses
import json
import sys
import time

import numpy as np
import pytest

from benchmarks.serving import measuring
from bert_tf.config import to_json
from tests.benchmarks.serving.test_job import JOB

TEXTS = ["a", "bb", "ccc", "dddd"]


class Slow:
    """Takes 50 ms to load, 10 ms to answer, and 2 ms of these to tokenize."""

    def __init__(self, job):
        time.sleep(0.05)
        self.asked = []

    def tokenize(self, texts):
        time.sleep(0.002)
        return [len(text) for text in texts]

    def answer(self, texts):
        self.asked.append(texts)
        lengths = np.array(self.tokenize(texts), np.float32)
        time.sleep(0.008)
        return np.stack([1 - lengths / 8, lengths / 8], axis=1)


@pytest.fixture
def job(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"{text}\n" for text in TEXTS))
    return dataclasses.replace(JOB, texts=str(path), warmup_seconds=0.05, seconds=0.2)


def test_batches_are_all_texts_in_their_order(job):
    assert job.batches() == [["a", "bb"], ["ccc", "dddd"]]


def test_seconds_are_those_of_calls(job):
    measured = measuring.measure(Slow, job)

    assert measured.load_seconds >= 0.06
    assert measured.num_calls >= 1
    assert measured.p99_seconds >= measured.p50_seconds >= 0.01
    assert measured.call_seconds == measured.seconds / measured.num_calls >= 0.01
    assert measured.seconds >= 0.2
    assert measured.tokenizing_seconds >= 0.002


def test_all_texts_are_answered_in_their_order(job):
    measured = measuring.measure(Slow, job)

    assert measured.probabilities == [0.125, 0.25, 0.375, 0.5]


def test_without_seconds_a_call_is_counted(job):
    job = dataclasses.replace(job, warmup_seconds=0, seconds=0)
    system = Slow(job)

    measured = measuring.measure(lambda job: system, job)

    first, second = job.batches()
    # The first answer, those to all texts, the warm-up, and what is counted.
    assert system.asked == [first, first, second, first, first]
    assert measured.num_calls == 1


def test_the_last_line_is_a_measurement(job, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["program", to_json(job)])

    measuring.run(Slow)

    line = capsys.readouterr().out.splitlines()[-1]
    assert measuring.Measurement(**json.loads(line)).num_calls >= 1
