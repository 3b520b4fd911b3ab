"""Writes the SavedModel of a model; see stored_model.py for what is in one."""

import os
import tempfile

import tensorflow as tf

from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import save_vocabulary
from bert_tf.modeling.checkpoints.run_dir import VOCAB_FILE
from bert_tf.serving.signatures import Signatures


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
