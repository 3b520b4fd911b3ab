"""Checkpoints that are whole or are not there, and that show it when they are damaged.

    checkpoints/step-300/variables.*    what tf.train.Checkpoint wrote
    checkpoints/step-300/progress.json  what else a run needs to go on
    checkpoints/step-300/seal.json      the digest of each of them, written last

A checkpoint is written beside its place and renamed. One without a seal is none: file
systems that rename file by file have been interrupted.
"""

import json
import os
import re
import uuid
from typing import Any

import tensorflow as tf
from absl import logging

from bert_tf.errors import UserError
from bert_tf.files import sha256

VARIABLES = "variables"
_PROGRESS_FILE = "progress.json"
_SEAL_FILE = "seal.json"
_UNFINISHED = "unfinished-"
_NAME = re.compile(r"step-(\d+)/?")  # some file systems list folders with a slash


def write(
    folder: str, checkpoint: tf.train.Checkpoint, *, step: int, progress: dict[str, Any]
) -> str:
    """Writes a checkpoint, unless there is one of this step.

    Args:
        folder: of all checkpoints of a run.
        checkpoint: tracks what is to be written.
        step: names it.
        progress: goes with it, as JSON.

    Returns:
        Its path.

    Raises:
        UserError: it cannot be written; those from before are as they were.
    """
    path = os.path.join(folder, f"step-{step}")
    unfinished = os.path.join(folder, f"{_UNFINISHED}{uuid.uuid4().hex}")
    try:
        if _is_sealed(path):
            if not _damage(path):
                return path
            tf.io.gfile.rmtree(path)
        tf.io.gfile.makedirs(unfinished)
        checkpoint.write(os.path.join(unfinished, VARIABLES))
        _write_json(unfinished, _PROGRESS_FILE, progress)
        digests = {
            name: sha256(os.path.join(unfinished, name))
            for name in sorted(tf.io.gfile.listdir(unfinished))
        }
        _write_json(unfinished, _SEAL_FILE, digests)
        tf.io.gfile.rename(unfinished, path)
    except (tf.errors.OpError, OSError) as error:
        _remove(unfinished)
        if _is_sealed(path):  # another worker has been faster
            return path
        raise UserError(
            f"Expected a disk that takes the checkpoint of step {step}, received: "
            f"{_first_line(error)} ({folder}); make room there and run the same command "
            "again. It goes on from the checkpoint before."
        ) from error
    return path


def newest(folder: str) -> str | None:
    """The path of the newest checkpoint that is not damaged, or None without any.

    Args:
        folder: of all checkpoints of a run; need not exist.

    Raises:
        UserError: there are some, and all are damaged.
    """
    damages = []
    for step in reversed(steps(folder)):
        path = os.path.join(folder, f"step-{step}")
        damage = _damage(path)
        if not damage:
            return path
        damages.append(damage)
        logging.warning(
            "Passed over a checkpoint: expected the file that was written, received "
            "another at %s.",
            damage,
        )
    if damages:
        raise UserError(
            f"Expected a whole checkpoint in {folder}, received damaged files only, such "
            f"as {damages[0]}; restore them from a copy or begin in another folder."
        )
    return None


def steps(folder: str) -> list[int]:
    """The steps of all checkpoints, whole or damaged, in ascending order."""
    if not tf.io.gfile.isdir(folder):
        return []
    matches = map(_NAME.fullmatch, tf.io.gfile.listdir(folder))
    found = sorted(int(match[1]) for match in matches if match)
    return [step for step in found if _is_sealed(os.path.join(folder, f"step-{step}"))]


def read_progress(path: str) -> dict[str, Any]:
    """The `progress` that a checkpoint was written with."""
    with tf.io.gfile.GFile(os.path.join(path, _PROGRESS_FILE)) as file:
        return json.load(file)


def drop_all_but(folder: str, *, num_kept: int) -> None:
    """Removes the oldest checkpoints."""
    for step in steps(folder)[:-num_kept]:
        _remove(os.path.join(folder, f"step-{step}"))


def remove_unfinished(folder: str) -> None:
    """Removes what interrupted writing has left, while nobody else writes."""
    if not tf.io.gfile.isdir(folder):
        return
    for name in tf.io.gfile.listdir(folder):
        if name.startswith(_UNFINISHED):
            _remove(os.path.join(folder, name))


def _is_sealed(path: str) -> bool:
    return tf.io.gfile.exists(os.path.join(path, _SEAL_FILE))


def _damage(path: str) -> str | None:
    """The path of a file that is not as it was written, or None."""
    try:
        with tf.io.gfile.GFile(os.path.join(path, _SEAL_FILE)) as file:
            digests = json.load(file)
        for name, digest in digests.items():
            if sha256(os.path.join(path, name)) != digest:
                return os.path.join(path, name)
    except tf.errors.NotFoundError:
        return os.path.join(path, name)
    except (tf.errors.OpError, ValueError, AttributeError):
        return os.path.join(path, _SEAL_FILE)
    return None


def _write_json(folder: str, name: str, content: dict[str, Any]) -> None:
    with tf.io.gfile.GFile(os.path.join(folder, name), "w") as file:
        file.write(json.dumps(content, indent=2))


def _remove(path: str) -> None:
    if tf.io.gfile.exists(path):
        tf.io.gfile.rmtree(path)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "message", error)).splitlines()[0]
