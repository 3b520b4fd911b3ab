"""The tasks that there are."""

from bert_tf.tasks.registry import TASKS
from tests.test_cli import run


def test_the_program_knows_all_tasks_before_it_loads_them():
    result = run("bert_tf.finetune", "--task=none of them")

    assert f"<{'|'.join(TASKS)}>" in result.stderr
