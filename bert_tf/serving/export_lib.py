"""Writes a run's model as a SavedModel that TF Serving can load.

EXPORT_DIR/1/saved_model.pb
             variables/            the weights, once
             assets/vocab.txt
             assets.extra/export_manifest.json       what was exported, golden answers
             assets.extra/tf_serving_warmup_requests
             batching_params.pbtxt
             model_card.md
"""

import contextlib
import dataclasses
import json
import os
import platform
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_text
from absl import logging

import bert_tf
from bert_tf.config import Sampling
from bert_tf.errors import UserError
from bert_tf.files import make_folder, write_atomically
from bert_tf.modeling.checkpoints import run_dir
from bert_tf.serving import verification
from bert_tf.serving.c_runtime import c_runtime_misses, installed_c_runtime
from bert_tf.serving.golden import (
    TOLERANCES,
    GoldenCase,
    golden_cases,
    golden_misses,
)
from bert_tf.serving.model_card import model_card
from bert_tf.serving.ops import TEXT_OPS
from bert_tf.serving.saved_model import write_saved_model
from bert_tf.serving.servable import Servable, load_servable
from bert_tf.serving.signatures import Signatures, make_signatures
from bert_tf.serving.stored_model import ops_of, versions_in
from bert_tf.serving.verification import raise_for
from bert_tf.serving.warmup import BATCHING_PARAMS, write_warmup
from bert_tf.serving.weights import weights_for_serving

MANIFEST_FILE = os.path.join("assets.extra", "export_manifest.json")
BATCHING_FILE = "batching_params.pbtxt"
MODEL_CARD_FILE = "model_card.md"
MANIFEST_FORMAT = 2


def export(
    workdir: str,
    export_dir: str,
    *,
    dtype: str | None = None,
    max_seq_length: int | None = None,
    top_k: int | None = None,
    sampling: Sampling | None = None,
    verify: bool = False,
) -> str:
    """Exports the newest weights of a run under the next free version number.

    The result is loaded again and compared with the model before it gets its name.

    Args:
        workdir: folder of a run, of pretraining or of fine-tuning.
        export_dir: folder of the versions, which a server is given.
        dtype: see load_servable.
        max_seq_length: see load_servable.
        top_k: see load_servable.
        sampling: see load_servable.
        verify: whether to prove more than that; see verification.py.

    Returns:
        The path of the new version.

    Raises:
        UserError: the run has no checkpoint, an option does not fit it, the folder
            cannot be written, or there is no C compiler, which `verify` needs.
        RuntimeError: the exported graph gives other answers than the model, or is none
            that a server could take.
    """
    servable = load_servable(
        workdir,
        dtype=dtype,
        max_seq_length=max_seq_length,
        top_k=top_k,
        sampling=sampling,
    )
    if verify:
        installed_c_runtime()  # tells that there is no compiler before any work is done
    make_folder(export_dir)
    weights = weights_for_serving(servable.model)  # which the signatures refer to
    with weights:
        signatures = make_signatures(servable.task, servable.model)
    cases = golden_cases(signatures)
    unfinished = os.path.join(export_dir, f"tmp-{uuid.uuid4().hex}")
    moved = f"{unfinished}-moved"
    try:
        with _told_of(export_dir):
            _write(unfinished, servable, signatures)
            # From here on nothing is where it was when it was written.
            tf.io.gfile.rename(unfinished, moved)
        proven = _prove(moved, servable, cases, verify=verify)
        with _told_of(export_dir):
            manifest = _manifest(servable, ops_of(moved))
            manifest |= {"golden": cases, "proven": proven}
            content = json.dumps(manifest, allow_nan=False).encode()
            write_atomically(os.path.join(moved, MANIFEST_FILE), content)
            version = max(versions_in(export_dir), default=0) + 1
            version_dir = os.path.join(export_dir, str(version))
            tf.io.gfile.rename(moved, version_dir)
    finally:
        for path in (unfinished, moved):
            if tf.io.gfile.exists(path):
                tf.io.gfile.rmtree(path)
    logging.info("exported %s of %s to %s", servable.checkpoint, workdir, version_dir)
    return version_dir


@contextlib.contextmanager
def _told_of(export_dir: str) -> Iterator[None]:
    """Makes UserErrors of what TensorFlow raises when it cannot write."""
    try:
        yield
    except tf.errors.OpError as error:
        raise UserError(
            f"Expected a folder that can be written, received {export_dir!r} "
            f"({type(error).__name__}); choose another or make room."
        ) from error


def _write(path: str, servable: Servable, signatures: Signatures) -> None:
    """Writes all files of a version but the manifest, which tells what is proven."""
    write_saved_model(path, tokenizer=servable.task.tokenizer, signatures=signatures)
    make_folder(os.path.join(path, "assets.extra"))
    write_warmup(path, signatures)
    is_pretrained = not run_dir.is_finetuned(servable.workdir)
    data = run_dir.read_data_manifest(servable.workdir) if is_pretrained else None
    for name, content in {
        BATCHING_FILE: BATCHING_PARAMS,
        MODEL_CARD_FILE: model_card(servable, signatures, data=data),
    }.items():
        write_atomically(os.path.join(path, name), content.encode())


def _manifest(servable: Servable, ops: Sequence[str]) -> dict[str, Any]:
    return {
        "format": MANIFEST_FORMAT,
        "checkpoint": servable.checkpoint,
        "task": dataclasses.asdict(servable.task.config),
        "options": servable.task.options,
        "model": dataclasses.asdict(servable.model.config),
        "vocab_digest": servable.task.tokenizer.vocabulary.digest,
        "dtype": servable.dtype,
        "num_weights": servable.model.count_params(),
        "versions": _versions(),
        "ops": ops,
        "text_libraries": _text_libraries(ops),
        "tolerance": TOLERANCES[servable.dtype],
    }


def _prove(
    path: str, servable: Servable, cases: Sequence[GoldenCase], *, verify: bool
) -> list[str]:
    """Proves what a version has to be, and tells on the way what is proven.

    Raises:
        RuntimeError: it is not; tells all that is wrong.
    """
    loaded = tf.saved_model.load(path)
    signatures = loaded.signatures
    tolerance = TOLERANCES[servable.dtype]
    checks = {
        "golden answers": lambda: golden_misses(signatures, cases, tolerance=tolerance)
    }
    if verify:
        checks |= {
            "operations, types and shapes": lambda: verification.graph_misses(
                path, signatures
            ),
            "size": lambda: verification.size_misses(
                path,
                num_weights=servable.model.count_params(),
                dtype=servable.dtype,
                vocab_size=servable.model.config.vocab_size,
            ),
            "warmup requests": lambda: verification.warmup_misses(path, signatures),
            "answers of bert_tf.predict": lambda: verification.prediction_misses(
                signatures, servable
            ),
            "one by one, in batches, padded and shuffled": (
                lambda: verification.batch_misses(signatures, dtype=servable.dtype)
            ),
            "odd texts": lambda: verification.odd_text_misses(signatures),
            f"{verification.NUM_FUZZED} random texts": lambda: verification.fuzz_misses(
                signatures
            ),
            "golden answers in the C++ runtime, XLA off": lambda: c_runtime_misses(
                path,
                cases,
                text_libraries=_text_libraries(ops_of(path)),
                tolerance=tolerance,
            ),
        }
    found = []
    for name, check in checks.items():
        misses = check()
        found += misses
        if verify:
            logging.info("%s: %s", "missed" if misses else "proven", name)
    raise_for(found)
    return list(checks)


def _text_libraries(ops: Sequence[str]) -> list[str]:
    return sorted({TEXT_OPS[op] for op in ops if op in TEXT_OPS})


def _versions() -> dict[str, str]:
    return {
        "bert_tf": bert_tf.__version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "tensorflow_text": tensorflow_text.__version__,
        "keras": keras.__version__,
    }
