"""The tasks are such that they can be run."""

import pytest

from benchmarks.tasks.catalogue import CONTESTS
from bert_tf.config import BertConfig
from bert_tf.tasks.registry import TASKS


@pytest.mark.parametrize("key", CONTESTS)
def test_a_task_can_be_run(key):
    contest = CONTESTS[key]

    assert contest.task.name in TASKS
    contest.task.validate(contest.random_encoder or BertConfig())
    assert contest.num_train_lines is None or contest.eval_file
