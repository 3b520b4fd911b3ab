"""The batches that all systems get, and what is counted of them."""

import dataclasses
import json
import time

import numpy as np
import pytest

from benchmarks.training.systems import keras_fit
from benchmarks.training.workload import Batches, Stopwatch, Workload
from tests.benchmarks.training import made_examples


@pytest.fixture
def workload(tmp_path):
    """Twelve examples, five in a batch."""
    return made_examples.workload(tmp_path, dtype="bfloat16", batch_size=5)


def test_a_workload_survives_the_command_line(workload):
    assert Workload.from_json(workload.to_json()) == workload


def test_the_model_is_the_size_in_the_type(workload):
    model = workload.model()

    assert (model.num_hidden_layers, model.vocab_size) == (2, made_examples.VOCAB_SIZE)
    assert model.dtype_policy == "mixed_bfloat16"


def test_whole_batches_come_over_and_over(workload):
    batches = Batches(workload)

    np.testing.assert_array_equal(
        batches[1]["input_word_ids"], batches.arrays["input_word_ids"][5:10]
    )
    np.testing.assert_array_equal(batches[2]["input_mask"], batches[0]["input_mask"])


def test_systems_under_fit_get_the_same_batches(workload):
    batches = Batches(workload)
    data = keras_fit.dataset(workload, batches).take(3)

    for step, batch in enumerate(data.as_numpy_iterator()):
        for name, values in batches[step].items():
            np.testing.assert_array_equal(batch[name], values)


def test_steps_after_the_first_are_counted(workload, capsys):
    batches = Batches(workload)
    stopwatch = Stopwatch(workload, batches)

    assert [stopwatch.step_done() for _ in range(3)] == [False, True, True]

    stopwatch.print_measurement(peak_flops=7.0)
    counted = json.loads(capsys.readouterr().out)
    arrays = batches.arrays
    assert counted["num_steps"] == 2
    assert counted["num_examples"] == 10
    # Of the second batch and, over again, the first.
    assert counted["num_tokens"] == arrays["input_mask"][:10].sum()
    assert counted["num_predictions"] == arrays["masked_lm_weights"][:10].sum()
    assert counted["seconds"] > 0
    assert counted["peak_flops"] == 7.0


def test_steps_are_not_counted_until_it_is_warm(workload, capsys):
    workload = dataclasses.replace(workload, warmup_seconds=0.1, seconds=0)
    stopwatch = Stopwatch(workload, Batches(workload))

    assert not stopwatch.step_done()
    assert not stopwatch.step_done()  # too soon
    time.sleep(0.1)
    assert not stopwatch.step_done()
    assert stopwatch.step_done()

    stopwatch.print_measurement()
    assert json.loads(capsys.readouterr().out)["num_steps"] == 1


def test_too_few_examples_for_a_batch_are_told(workload):
    with pytest.raises(ValueError, match="at least 13"):
        Batches(dataclasses.replace(workload, batch_size=13))
