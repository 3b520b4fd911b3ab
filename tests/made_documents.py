"""Documents of a tiny vocabulary, and their examples, made without Beam."""

import dataclasses
import random

from bert_tf import config
from bert_tf.data import documents, examples, tokenization, vocab

TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d", "##e", "##f")
VOCABULARY = vocab.Vocabulary(TOKENS)
CONFIG = config.PretrainingDataConfig(
    max_seq_length=16, max_predictions_per_seq=3, dupe_factor=2
)


def make_documents(count, *, seed=0):
    """Documents of words that the vocabulary has, no two of them equal."""
    rng = random.Random(seed)
    return [
        documents.Document(
            path="x",
            offset=number,
            num_bytes=1,
            text="\n".join(
                " ".join(rng.choices(["a", "b", "c", "def", "dee"], k=rng.randint(1, 8)))
                for _ in range(rng.randint(2, 9))
            ).encode(),
        )
        for number in range(count)
    ]


def payloads_of(read_documents, vocabulary=VOCABULARY):
    tokenizer = tokenization.BertTokenizer(vocabulary, lower_case=True)
    tokenized = documents.tokenize_block(
        read_documents, tokenizer, vocab_size=len(vocabulary)
    )
    return [document.to_bytes() for document in tokenized]


def examples_of(payloads, *, num_dupes=2, **changes):
    maker = examples.ExampleMaker(dataclasses.replace(CONFIG, **changes), VOCABULARY)
    return maker.bucket_examples(payloads, num_dupes=num_dupes, on_pass_done=lambda: None)
