"""Writes the SavedModel of a model; see stored_model.py for what is in one."""

import os
import tempfile

import tensorflow as tf

from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import save_vocabulary
from bert_tf.files import write_atomically
from bert_tf.modeling.checkpoints.run_dir import VOCAB_FILE
from bert_tf.serving.signatures import Signatures
from bert_tf.serving.stored_model import nodes_of, read_saved_model


def write_saved_model(
    path: str, *, tokenizer: BertTokenizer, signatures: Signatures
) -> None:
    """Writes the graph, the variables that it uses, and the vocabulary as an asset.

    Args:
        path: folder that is not there yet.
        tokenizer: which the signatures use.
        signatures: concrete functions.
    """
    module = tf.Module()
    # The plain variables: a Keras model among the attributes would be saved beside them
    # with all its objects.
    module.weights = list(
        {
            variable.ref(): variable
            for function in signatures.values()
            for variable in function.variables
        }.values()
    )
    module.tokenizer = tokenizer
    with tempfile.TemporaryDirectory() as folder:
        vocab_file = os.path.join(folder, VOCAB_FILE)
        save_vocabulary(tokenizer.vocabulary, vocab_file)
        module.vocabulary = tf.saved_model.Asset(vocab_file)
        tf.saved_model.save(
            module,
            path,
            signatures=signatures,
            options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
        )
    _forget_gradients(path)


def _forget_gradients(path: str) -> None:
    """Drops the names of gradients by hand, which are not saved.

    Who loads the model in Python would be warned of each.
    """
    saved_model = read_saved_model(path)
    for node in nodes_of(saved_model):
        node.attr.pop("_gradient_op_type", None)
    write_atomically(
        os.path.join(path, tf.saved_model.SAVED_MODEL_FILENAME_PB),
        saved_model.SerializeToString(deterministic=True),
    )
