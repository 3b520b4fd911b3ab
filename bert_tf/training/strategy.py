"""Where a run computes."""

import json
import os
import re
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from bert_tf.errors import UserError
from bert_tf.training.rendezvous import meet

SECONDS_TO_WAIT_FOR_WORKERS = 600


def make_strategy(name: str) -> tf.distribute.Strategy:
    """The distribution strategy behind `PretrainConfig.strategy`.

    Args:
        name: `none` for one device, `mirrored` for every GPU of this machine, or every
            logical CPU where there is no GPU, `multi_worker` for the machines that
            the environment variable TF_CONFIG lists. The last waits for all of them,
            and nothing may have used TensorFlow before.

    Returns:
        A strategy to build the model in.

    Raises:
        UserError: TF_CONFIG is missing or wrong, or a worker has not come; or something
            else distributes already.
    """
    if tf.distribute.has_strategy() or keras.distribution.distribution():
        found = keras.distribution.distribution() or tf.distribute.get_strategy()
        raise UserError(
            "Expected no distribution but --config.strategy, received a "
            f"{type(found).__name__} around it; leave its scope. Parameter servers and "
            "keras.distribution are not supported."
        )
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "multi_worker":
        return _multi_worker_strategy()
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy(
        [device.name for device in devices],
        # NCCL reduces between GPUs only.
        cross_device_ops=None if gpus else tf.distribute.ReductionToOneDevice(),
    )


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes what all workers have alike."""
    resolver = strategy.cluster_resolver
    return resolver is None or resolver.task_id in (None, 0)


def _multi_worker_strategy() -> tf.distribute.Strategy:
    config = read_tf_config(os.environ.get("TF_CONFIG", ""))
    workers, index = config["cluster"]["worker"], config["task"]["index"]
    logging.info(
        "Worker %d of %d at %s; waiting for the others.",
        index,
        len(workers),
        workers[index],
    )
    meet(workers, index, seconds=SECONDS_TO_WAIT_FOR_WORKERS)
    return tf.distribute.MultiWorkerMirroredStrategy()


def read_tf_config(text: str) -> dict[str, Any]:
    """Checks a TF_CONFIG and returns it.

    Args:
        text: JSON such as {"cluster": {"worker": ["a:2222", "b:2222"]},
            "task": {"type": "worker", "index": 0}}.

    Raises:
        UserError: it is another thing.
    """
    expected = (
        'Expected TF_CONFIG such as {"cluster": {"worker": ["host0:2222", '
        '"host1:2222"]}, "task": {"type": "worker", "index": 0}}, received '
    )
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        workers, index = cluster["worker"], int(task["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{expected}{text!r}; set it on each worker or choose another "
            "--config.strategy."
        ) from error
    if set(cluster) != {"worker"} or task["type"] != "worker":
        raise UserError(
            f"{expected}{text!r}; list all machines as worker: there are no parameter "
            "servers and evaluators here, and worker 0 is the chief."
        )
    if not 0 <= index < len(workers):
        raise UserError(
            f"{expected}index {index} of {len(workers)} workers; number them from 0."
        )
    for worker in workers:
        if not re.fullmatch(r".+:\d+", str(worker)):
            raise UserError(f"{expected}the worker {worker!r}; write host:port.")
    return config
