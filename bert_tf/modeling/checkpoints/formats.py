"""Reads a BERT from whatever folder it is in, and writes it for other libraries."""

import os
import uuid
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from bert_tf.errors import UserError
from bert_tf.files import read_json
from bert_tf.modeling.checkpoints import google, hugging_face, keras_hub, run_dir
from bert_tf.modeling.checkpoints.coverage import Coverage
from bert_tf.modeling.checkpoints.pretrained import Pretrained, check_vocabulary
from bert_tf.modeling.checkpoints.shapes import head_of

_WRITERS: dict[str, Callable[[Pretrained, str], Coverage]] = {
    "google": google.write,
    "hugging_face": hugging_face.write,
    "keras_hub": keras_hub.write,
}


def read_pretrained(
    path: str,
    *,
    do_lower_case: bool | None = None,
    allow_missing: Sequence[str] = (),
) -> Pretrained:
    """Reads a BERT and its heads.

    Args:
        path: a folder of Google's (or the prefix of a checkpoint in it), of Hugging
            Face's, of KerasHub's or of a run of ours; or the name of a KerasHub preset.
        do_lower_case: how text becomes ids; None for what the folder tells.
        allow_missing: beginnings of our variables' paths that need not be there.

    Raises:
        UserError: it is none of these, is damaged, or a weight is missing or not
            finite.
    """
    read = _reader_of(path)
    pretrained = read(path, do_lower_case=do_lower_case)
    check_vocabulary(pretrained.vocabulary, pretrained.config, path)
    logging.info(
        "%s, do_lower_case=%s\n%s",
        path,
        pretrained.config.do_lower_case,
        pretrained.coverage.format(),
    )
    pretrained.coverage.require(allow_missing)
    for name, values in pretrained.weights.items():
        if not np.isfinite(values).all():
            raise UserError(
                f"Expected finite weights in {path!r}, received {name} with one that is "
                "not; take a checkpoint from before."
            )
    return pretrained


def write_pretrained(pretrained: Pretrained, folder: str, *, format: str) -> Coverage:
    """Writes a folder for another library, all of it or nothing.

    Args:
        pretrained: what to write.
        folder: must not exist.
        format: google, hugging_face or keras_hub.

    Returns:
        What became of each weight.

    Raises:
        UserError: the folder exists or cannot be written, or the format cannot say what
            the model is.
    """
    folder = folder.rstrip("/")
    if tf.io.gfile.exists(folder):
        raise UserError(
            f"Expected a folder that does not exist, received {folder!r}; choose another "
            "or remove it."
        )
    if pretrained.config.layer_norm != "post":
        raise UserError(
            "Expected a model with layer_norm=post, which is all that other libraries' "
            f"BERT can be, received {pretrained.config.layer_norm!r}."
        )
    _check_heads(pretrained)
    temporary = f"{folder}.{uuid.uuid4().hex}.tmp"
    try:
        coverage = _WRITERS[format](pretrained, temporary)
        tf.io.gfile.rename(temporary, folder)
    except (tf.errors.OpError, OSError) as error:
        raise UserError(
            f"Expected a folder that can be written, received {folder!r} "
            f"({type(error).__name__}); choose another or make room."
        ) from error
    finally:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.rmtree(temporary)
    return coverage


def _check_heads(pretrained: Pretrained) -> None:
    """Raises UserError for a head on features that other libraries' heads do not see."""
    heads = {head for head in map(head_of, pretrained.weights) if head}
    features = pretrained.features
    sees_others = features.layers or (
        features.pooling != "pooler" and heads & {"sequence_classifier", "choice_scorer"}
    )
    if heads and sees_others:
        raise UserError(
            f"Expected a head on the last layer's output, which is all that other "
            f"libraries' heads see, received {', '.join(sorted(heads))} on {features}; "
            "fine-tune without --layers and --pooling, and with --frozen, whose head "
            "sees several layers, give --pooling=pooler."
        )


def _reader_of(path: str) -> Callable[..., Pretrained]:
    if not tf.io.gfile.isdir(path):
        folder = os.path.dirname(path)
        if tf.io.gfile.exists(f"{path}.index"):
            return google.read
        if folder or tf.io.gfile.exists(path):
            raise UserError(
                f"Expected the folder of a BERT, received {path!r}, which is none; check "
                "the path."
            )
        return keras_hub.read  # a preset's name
    settings = read_json(os.path.join(path, hugging_face.CONFIG_FILE)) or {}
    # Folders of Hugging Face may keep the file that they were made from.
    has_checkpoint = any(name.endswith(".index") for name in tf.io.gfile.listdir(path))
    is_googles = tf.io.gfile.exists(os.path.join(path, google.CONFIG_FILE))
    if is_googles and (has_checkpoint or not settings):
        return google.read
    if "registered_name" in settings:
        return keras_hub.read
    # The first of them do not tell their type.
    if "model_type" in settings or "hidden_size" in settings:
        return hugging_face.read
    if isinstance(settings.get("model"), dict):
        return run_dir.read
    if tf.io.gfile.isdir(os.path.join(path, run_dir.seed_folder(0))):
        raise UserError(
            f"Expected the folder of one run, received {path!r}, which has those of "
            f"several seeds; give one in it, such as {run_dir.seed_folder(0)}."
        )
    raise UserError(
        f"Expected a folder with Google's {google.CONFIG_FILE}, or with the "
        f"{run_dir.CONFIG_FILE} of Hugging Face, KerasHub or a run of ours, received "
        f"{path!r} with neither; check the path."
    )
