"""Real runs, killed at random steps twenty times: nobody could tell afterwards."""

import random
import re
import signal
import time

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.modeling.checkpoints import sealed
from bert_tf.training.metrics_log import read_lines
from tests.made_data import write_unmasked
from tests.training import programs

# 12 + 4 + 4 kills, and each run is asked to end twice besides. Several replicas take
# minutes more to start.
NUM_KILLS = {"none": 12, "mirrored": 4, "multi_worker": 4}
# Rows in other numbers in each step, or of other lengths; masks are dynamic in all.
FLAGS = {
    "none": ("--config.input.packing=true",),
    "mirrored": ("--config.input.length_buckets=2",),
    "multi_worker": (),
}
MEASURED = ("tokens_per_second", "input_share", "utilization")  # other each time
SECONDS = 240


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_unmasked(folder)
    return folder


def start(strategy, workdir, data_dir):
    flags = FLAGS[strategy]
    if strategy == "multi_worker":
        return programs.start_workers(2, workdir, data_dir, *flags)
    module = (
        "tests.training.two_replicas" if strategy == "mirrored" else "bert_tf.pretrain"
    )
    flags = (*flags, f"--config.strategy={strategy}")
    return [programs.start(workdir, data_dir, *flags, module=module)]


def finish(processes):
    for process in processes:
        _, said = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, said


def figures(workdir):
    return [
        {name: value for name, value in line.items() if name not in MEASURED}
        for line in read_lines(str(workdir / "metrics.jsonl"))
    ]


def variables(workdir):
    """Of model and optimizer, by name."""
    path = sealed.newest(str(workdir / "checkpoints"))
    reader = tf.train.load_checkpoint(f"{path}/{sealed.VARIABLES}")
    names = [name for name in reader.get_variable_to_shape_map() if "VALUE" in name]
    return {name: reader.get_tensor(name) for name in names}


def assert_same_run(one, other):
    assert figures(one) == figures(other)
    for name in ("results.json", "predictions.jsonl"):
        assert (one / name).read_text() == (other / name).read_text()
    expected, found = variables(one), variables(other)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def wait_for_a_line(processes, workdir):
    """Until it trains, or is done."""
    metrics = workdir / "metrics.jsonl"
    size = metrics.stat().st_size if metrics.exists() else 0
    deadline = time.monotonic() + SECONDS
    while all(process.poll() is None for process in processes):
        assert time.monotonic() < deadline
        # A run that goes on drops lines before it writes others.
        now = metrics.stat().st_size if metrics.exists() else 0
        if now > size:
            return
        size = now
        time.sleep(0.01)


@pytest.fixture(scope="module", params=list(NUM_KILLS))
def strategy(request):
    return request.param


@pytest.fixture(scope="module")
def whole(strategy, data_dir, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole")
    finish(start(strategy, workdir, data_dir))
    assert figures(workdir)[-1]["step"] == 200
    return workdir


@pytest.mark.slow
def test_interrupted_runs_end_as_if_they_had_not_been(
    strategy, whole, data_dir, tmp_path
):
    rng = random.Random(strategy)
    interruptions = [signal.SIGKILL] * NUM_KILLS[strategy]
    interruptions += [signal.SIGTERM, signal.SIGINT]
    rng.shuffle(interruptions)
    num_runs = 0
    workdir = tmp_path / "0"
    while interruptions:
        processes = start(strategy, workdir, data_dir)
        wait_for_a_line(processes, workdir)
        time.sleep(rng.uniform(0, 1))
        number = interruptions[-1]
        # One at a time, or all at once: a worker that is left needs half a minute to
        # notice.
        is_for_all = number == signal.SIGKILL and len(interruptions) % 4
        victims = processes if is_for_all else [rng.choice(processes)]
        for victim in victims:
            victim.send_signal(number)
        said = {process: process.communicate(timeout=SECONDS)[1] for process in processes}
        is_complete = (workdir / "results.json").exists()
        for process in processes:
            if process not in victims and not is_complete:
                assert process.returncode == 2, said[process]
                assert "error: Expected all workers until the end" in said[process]
        if number == signal.SIGKILL:
            was_in_time = any(victim.returncode == -number for victim in victims)
        else:
            (victim,) = victims
            was_in_time = victim.returncode == 128 + number
            assert was_in_time or victim.returncode == 0, said[victim]
            if was_in_time:
                assert_saved(workdir, number, said[victim])
        if was_in_time:
            interruptions.pop()
        if is_complete:
            assert_same_run(whole, workdir)
            num_runs += 1
            workdir = tmp_path / str(num_runs)
    finish(start(strategy, workdir, data_dir))
    assert_same_run(whole, workdir)


def assert_saved(workdir, number, said):
    """What a run that was asked to end says is so."""
    found = re.search(rf"Received {number.name} at step (\d+), which is saved", said)
    assert found, said
    assert int(found[1]) in sealed.steps(str(workdir / "checkpoints"))
