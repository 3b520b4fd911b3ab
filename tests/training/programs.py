"""`python -m bert_tf.pretrain` in processes of its own, on one worker or several."""

import json
import os
import pathlib
import socket
import subprocess
import sys

CONFIG = pathlib.Path(__file__).parent / "interrupted_config.py"


def start(
    workdir, data_dir, *flags, module="bert_tf.pretrain", prefix=(), **environment
) -> subprocess.Popen:
    """Starts it, perhaps through another program; its standard error is to be read."""
    return subprocess.Popen(
        [
            *prefix,
            *(sys.executable, "-m", module, f"--config={CONFIG}"),
            *(f"--workdir={workdir}", f"--config.input.data_dir={data_dir}", *flags),
        ],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_workers(
    number, workdir, data_dir, *flags, number_started=None, **kwargs
) -> list[subprocess.Popen]:
    """Starts as many on loopback, or only the first of them."""
    workers = [f"127.0.0.1:{port}" for port in free_ports(number)]
    return [
        start(
            workdir,
            data_dir,
            "--config.strategy=multi_worker",
            *flags,
            TF_CONFIG=tf_config(workers, index),
            **kwargs,
        )
        for index in range(number_started or number)
    ]


def tf_config(workers: list[str], index: int) -> str:
    """The environment variable that tells a worker which it is."""
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": workers}, "task": task})


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
