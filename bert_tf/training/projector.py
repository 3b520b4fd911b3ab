"""TensorBoard's projector: the word embeddings as points, near each other or far."""

import os

import numpy as np

from bert_tf.data.vocab import load_vocabulary
from bert_tf.files import write_atomically
from bert_tf.html.elements import visible
from bert_tf.modeling.checkpoints.run_dir import EVENTS_DIR, VOCAB_FILE

MAX_TOKENS = 10_000  # that a browser copes with


def write_projector(workdir: str, word_embeddings: np.ndarray) -> None:
    """Writes what `tensorboard --logdir=WORKDIR/events` shows as its projector.

    Args:
        workdir: the run's folder.
        word_embeddings: float [V, H]; only the first MAX_TOKENS are written.

    Raises:
        UserError: a file cannot be written.
    """
    vocabulary = load_vocabulary(os.path.join(workdir, VOCAB_FILE))
    points = word_embeddings[:MAX_TOKENS].astype(np.float32)
    names = "".join(f"{visible(token)}\n" for token in vocabulary.tokens[:MAX_TOKENS])
    config = f"""\
embeddings {{
  tensor_name: "word_embeddings"
  tensor_path: "word_embeddings.bytes"
  tensor_shape: {points.shape[0]}
  tensor_shape: {points.shape[1]}
  metadata_path: "metadata.tsv"
}}
"""
    for name, content in (
        ("word_embeddings.bytes", points.tobytes()),
        ("metadata.tsv", names.encode()),
        ("projector_config.pbtxt", config.encode()),
    ):
        write_atomically(os.path.join(workdir, EVENTS_DIR, name), content)
