"""Where a run computes, and what is told where it cannot."""

import json

import pytest

from bert_tf.errors import UserError
from bert_tf.training.strategy import is_chief, make_strategy, read_tf_config


def tf_config(workers=("a:1", "b:1"), job="worker", task_type="worker", index=0):
    task = {"type": task_type, "index": index}
    return json.dumps({"cluster": {job: list(workers)}, "task": task})


def test_one_machine_is_its_own_chief():
    for name in ("none", "mirrored"):
        assert is_chief(make_strategy(name))


def test_a_good_tf_config_is_returned():
    assert read_tf_config(tf_config(index=1))["task"]["index"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "received ''; set it on each worker"),
        ("{}", "received '{}'; set it on each worker"),
        (tf_config(job="ps"), "set it on each worker"),
        (tf_config(task_type="evaluator"), "no parameter servers and evaluators"),
        (tf_config(index=2), "index 2 of 2 workers"),
        (tf_config(workers=["a"]), "the worker 'a'; write host:port"),
    ],
)
def test_a_wrong_tf_config_is_told(text, message):
    with pytest.raises(UserError, match=message):
        read_tf_config(text)


def test_parameter_servers_are_told():
    cluster = {"worker": ["a:1"], "ps": ["b:1"]}
    text = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}})
    with pytest.raises(UserError, match="no parameter servers"):
        read_tf_config(text)


def test_other_distributions_are_refused():
    with (
        make_strategy("mirrored").scope(),
        pytest.raises(UserError, match="received a MirroredStrategy around it"),
    ):
        make_strategy("none")


def test_a_multi_worker_run_needs_tf_config(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError, match="Expected TF_CONFIG such as"):
        make_strategy("multi_worker")
