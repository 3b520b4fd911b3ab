"""A run's folder when the run begins: new, or of this very run."""

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from bert_tf.config import PretrainConfig, to_json
from bert_tf.data.vocab import load_vocabulary, save_vocabulary
from bert_tf.errors import UserError
from bert_tf.files import make_folder, write_atomically
from bert_tf.modeling.checkpoints import sealed
from bert_tf.modeling.checkpoints.run_dir import (
    CHECKPOINT_DIR,
    CONFIG_FILE,
    DATA_MANIFEST_FILE,
    EVENTS_DIR,
    RESULTS_FILE,
    VOCAB_FILE,
    read_config,
    read_data_manifest,
)
from bert_tf.training.phases import Phase

# What does not change what is trained, but for the rounding of sums and dropout's masks
# on each replica. Of data sets the shards are compared.
_MAY_CHANGE = ("data_dir", "eval_data_dir", "strategy", "num_microbatches")


def prepare_workdir(
    config: PretrainConfig, phases: Sequence[Phase], workdir: str
) -> None:
    """Writes what identifies a run, or checks that it is the one begun here.

    A run that has not come to its first checkpoint has nothing to lose: its settings may
    be put right in the same folder.

    Args:
        config: of the run.
        phases: of the run.
        workdir: its folder, made if need be.

    Raises:
        UserError: the folder is another run's or cannot be written, or the data's
            vocabulary is not the one they were made with.
    """
    manifest = phases[0].manifest
    vocabulary = load_vocabulary(manifest.vocab_path)
    if vocabulary.digest != manifest.vocab_digest:
        raise UserError(
            f"Expected the vocabulary of digest {manifest.vocab_digest[:12]} in "
            f"{manifest.data_dir}, received {vocabulary.digest[:12]}; restore vocab.txt "
            "or make the data anew."
        )
    config_path = os.path.join(workdir, CONFIG_FILE)
    splits = [_splits(phase) for phase in phases]
    if not _is_begun(workdir):
        make_folder(workdir)
        _remove_events(workdir)
        save_vocabulary(vocabulary, os.path.join(workdir, VOCAB_FILE))
        content = json.loads(manifest.to_json()) | {
            "splits": splits[0],
            "long_splits": splits[1:],
            "baselines": phases[0].held_out.baselines,
        }
        write_atomically(
            os.path.join(workdir, DATA_MANIFEST_FILE),
            f"{json.dumps(content, indent=2)}\n".encode(),
        )
        write_atomically(config_path, to_json(config).encode())  # marks the run as begun
        return
    begun_with = read_data_manifest(workdir)
    for phase, found, begun in zip(
        phases,
        splits,
        [begun_with["splits"], *begun_with["long_splits"]],
        strict=False,  # their number is the configuration's
    ):
        if found != begun:
            raise UserError(
                f"Expected the data set {workdir} was begun with, received other shards "
                f"in {phase.manifest.data_dir}; use another --workdir."
            )
    begun = dataclasses.asdict(read_config(workdir))
    for name, was, now in _differences(begun, dataclasses.asdict(config)):
        raise UserError(
            f"Expected the settings {workdir} was begun with, received "
            f"{name}={now!r} instead of {was!r}; use another --workdir or set it back."
        )


def _is_begun(workdir: str) -> bool:
    """Whether a folder has anything that other settings would spoil."""
    if not tf.io.gfile.exists(os.path.join(workdir, CONFIG_FILE)):
        return False
    read_config(workdir)  # UserError for what another program has left
    return bool(sealed.steps(os.path.join(workdir, CHECKPOINT_DIR))) or (
        tf.io.gfile.exists(os.path.join(workdir, RESULTS_FILE))
    )


def _remove_events(workdir: str) -> None:
    """Removes TensorBoard's curves of settings that have been put right."""
    events = os.path.join(workdir, EVENTS_DIR)
    if tf.io.gfile.isdir(events):
        tf.io.gfile.rmtree(events)


def _splits(phase: Phase) -> dict[str, Any]:
    """What is trained and evaluated on, as in a manifest."""
    train, held_out = (
        json.loads(manifest.to_json())["splits"]
        for manifest in (phase.manifest, phase.held_out)
    )
    return {"train": train["train"], "held_out": held_out["held_out"]}


def _differences(
    begun: dict, now: dict, prefix: str = "config"
) -> Iterator[tuple[str, Any, Any]]:
    for name, value in now.items():
        path = f"{prefix}.{name}"
        if isinstance(value, dict):
            yield from _differences(begun[name], value, path)
        elif begun[name] != value and name not in _MAY_CHANGE:
            yield path, begun[name], value
