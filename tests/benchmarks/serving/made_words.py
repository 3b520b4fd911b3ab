"""A vocabulary of hardly more words than texts need."""

from bert_tf.data.vocab import Vocabulary

WORDS = tuple(
    f"{a}{b}{c}" for a in "bdfghklmnp" for b in "abcdefghij" for c in "klmnopqrst"
)
VOCABULARY = Vocabulary(
    ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *WORDS, "##ba", "Bobby", "b")
)
