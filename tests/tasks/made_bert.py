"""A tiny BERT of random weights on disk, for tasks to begin with."""

import numpy as np

from bert_tf.config import BertConfig
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import Vocabulary
from bert_tf.modeling.checkpoints.coverage import Coverage
from bert_tf.modeling.checkpoints.formats import write_pretrained
from bert_tf.modeling.checkpoints.pretrained import Pretrained
from bert_tf.modeling.checkpoints.shapes import encoder_shapes

WORDS = (
    *("good", "fine", "great", "nice", "bad", "awful", "poor", "sad", "the", "a"),
    *("film", "was", "is", "not", "very", "and", "or", "it", "this", "cat", "dog"),
    *("sat", "ran", "on", "mat", ".", ",", "?", "who", "where", "when", "what"),
    *("paris", "london", "bob", "alice", "in", "lives"),
)
TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##s", "##ly")
TOKENIZER = BertTokenizer(Vocabulary(TOKENS), lower_case=True)


def write_bert(folder):
    """Writes it as Hugging Face does; returns the folder's path."""
    config = BertConfig(
        vocab_size=len(TOKENS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    rng = np.random.default_rng(0)
    weights = {}
    for path, shape in encoder_shapes(config).items():
        if path.endswith("gamma"):
            weights[path] = np.ones(shape, "float32")
        elif path.endswith(("beta", "bias")):
            weights[path] = np.zeros(shape, "float32")
        else:
            weights[path] = rng.normal(scale=0.15, size=shape).astype("float32")
    pretrained = Pretrained(
        config, weights, TOKENIZER.vocabulary, Coverage(tuple(weights), {}, {}, ())
    )
    write_pretrained(pretrained, str(folder), format="hugging_face")
    return str(folder)
