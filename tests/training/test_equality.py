"""However many replicas, workers and microbatches: the same weights and figures."""

import os
import subprocess
import sys

import numpy as np
import pytest

from bert_tf.training.strategy import make_strategy
from tests.training import programs, ten_steps

TOLERANCE = {"sgd": 1e-6, "adamw": 1e-5, "lamb": 1e-5}


@pytest.fixture(scope="module", params=list(TOLERANCE))
def optimizer(request):
    return request.param


@pytest.fixture(scope="module")
def alone(optimizer):
    return ten_steps.train("none", optimizer)


def assert_equal(alone, others, optimizer):
    assert alone.keys() == set(others)
    for name, expected in alone.items():
        np.testing.assert_allclose(
            others[name], expected, rtol=0, atol=TOLERANCE[optimizer], err_msg=name
        )


def test_the_weights_have_moved(optimizer, alone):
    before = ten_steps.weights_of(ten_steps.build(make_strategy("none"), optimizer))
    moved = [name for name in before if np.abs(before[name] - alone[name]).max() > 1e-4]
    assert len(moved) > 0.8 * len(before)


def test_two_replicas(optimizer, alone):
    assert make_strategy("mirrored").num_replicas_in_sync == 2
    assert_equal(alone, ten_steps.train("mirrored", optimizer), optimizer)


@pytest.mark.parametrize("strategy", ["none", "mirrored"])
def test_four_microbatches(optimizer, alone, strategy):
    found = ten_steps.train(strategy, optimizer, num_microbatches=4)
    assert_equal(alone, found, optimizer)


def test_two_workers(optimizer, alone, tmp_path):
    workers = [f"127.0.0.1:{port}" for port in programs.free_ports(2)]
    processes = []
    for index in range(2):
        config = programs.tf_config(workers, index)
        output = str(tmp_path / f"{index}.npz")
        command = [sys.executable, "-m", "tests.training.ten_steps"]
        processes.append(
            subprocess.Popen(
                [*command, "multi_worker", optimizer, "1", output],
                env={**os.environ, "TF_CONFIG": config, "CUDA_VISIBLE_DEVICES": "-1"},
            )
        )
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    for index in range(2):
        assert_equal(alone, np.load(tmp_path / f"{index}.npz"), optimizer)
