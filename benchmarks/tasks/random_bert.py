"""A BERT that has learnt nothing yet, with the words of some texts as its vocabulary."""

import dataclasses
import pathlib
from collections.abc import Sequence

import keras
import tensorflow as tf

from bert_tf.config import SPECIAL_TOKENS, BertConfig
from bert_tf.data.vocab import Vocabulary
from bert_tf.data.word_splitting import WordSplitter
from bert_tf.modeling.checkpoints.coverage import Coverage
from bert_tf.modeling.checkpoints.formats import write_pretrained
from bert_tf.modeling.checkpoints.pretrained import Pretrained
from bert_tf.modeling.encoder import BertEncoder


def write(
    folder: pathlib.Path, texts: Sequence[str], config: BertConfig, *, seed: int
) -> None:
    """Writes it as Hugging Face does.

    Args:
        folder: must not exist.
        texts: whose words are to be known.
        config: of the model; its vocab_size is filled in.
        seed: of the weights.
    """
    splitter = WordSplitter(lower_case=config.do_lower_case)
    found = splitter.split(tf.constant(texts)).flat_values.numpy()
    words = {word.decode() for word in found}
    vocabulary = Vocabulary((*SPECIAL_TOKENS, *sorted(words)))
    config = dataclasses.replace(config, vocab_size=len(vocabulary))
    keras.utils.set_random_seed(seed)
    weights = {
        variable.path: variable.numpy() for variable in BertEncoder(config).variables
    }
    coverage = Coverage(tuple(weights), {}, {}, ())
    write_pretrained(
        Pretrained(config, weights, vocabulary, coverage),
        str(folder),
        format="hugging_face",
    )
