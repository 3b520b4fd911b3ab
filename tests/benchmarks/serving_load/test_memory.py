"""Samples of a process, and their growth."""

import subprocess
import sys
import time

import pytest

from benchmarks.serving_load import memory


def test_growth_is_that_of_medians():
    # Of fifths: [1, 90], [100, 102], [...], [...], [110, 112].
    samples = [1, 90, 100, 102, 500, 500, 0, 0, 110, 112]

    assert memory.growth(samples) == pytest.approx(111 / 101)


def test_a_process_that_grows_and_ends(monkeypatch):
    monkeypatch.setattr(memory, "_SECONDS_BETWEEN_SAMPLES", 0.02)
    process = subprocess.Popen(
        [sys.executable, "-c", "input(); x = b'1' * 50_000_000; print(); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with memory.sampled(process.pid) as samples:
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        time.sleep(0.2)
        process.communicate(b"\n")
        time.sleep(0.2)

    assert max(samples) > 50_000_000
