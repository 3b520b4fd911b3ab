"""Documents of a tiny vocabulary, and their examples, made without Beam."""

import dataclasses
import functools
import random

from bert_tf import config
from bert_tf.data import documents, examples, tokenized, vocab

TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d", "##e", "##f")
VOCABULARY = vocab.Vocabulary(TOKENS)
CONFIG = config.PretrainingDataConfig(
    max_seq_length=16, max_predictions_per_seq=3, dupe_factor=2
)


def make_documents(count, *, seed=0):
    """Documents of words that the vocabulary has, the first thousand all different."""
    rng = random.Random(seed)
    return [
        document_of(
            *(
                " ".join(rng.choices(["a", "b", "c", "def", "dee"], k=rng.randint(1, 8)))
                for _ in range(rng.randint(2, 9))
            )
        )
        for _ in range(count)
    ]


def document_of(*sentences):
    text = "\n".join(sentences).encode()
    return documents.Document(path="x", offset=0, num_bytes=len(text), text=text)


@functools.cache
def _tokenizer(vocabulary):
    return tokenized.DocumentTokenizer(vocabulary, lower_case=True)


def tokenize(read_documents, vocabulary=VOCABULARY):
    found, bad = _tokenizer(vocabulary).tokenize(read_documents)
    assert not bad
    return found


def shard_of(received, *, dupe=0, is_held_out=False, vocabulary=VOCABULARY, **changes):
    """The records of one pass and all statistics."""
    maker = examples.ExampleMaker(dataclasses.replace(CONFIG, **changes), vocabulary)
    used = maker.distinct(received)
    parts, of_examples = maker.make_shard(used, dupe=dupe, is_held_out=is_held_out)
    of_documents = maker.document_statistics(used, num_received=received.num_documents)
    return records_of(b"".join(parts)), of_documents + of_examples


def records_of(content):
    """The records of a TFRecord file."""
    found = []
    while content:
        size = int.from_bytes(content[:8], "little")
        found.append(content[12 : 12 + size])
        content = content[16 + size :]
    return found
