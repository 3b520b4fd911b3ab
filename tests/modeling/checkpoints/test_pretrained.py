"""What is known of a BERT beside its weights."""

import pytest

from bert_tf.data.vocab import Vocabulary
from bert_tf.modeling.checkpoints.pretrained import is_lower_case

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LOWER = tuple(f"word{number}" for number in range(1000))


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ((*SPECIAL, *LOWER), True),
        ((*SPECIAL, "<S>", "<T>", "[ENT]", *LOWER), True),  # <S> of the Chinese one
        ((*SPECIAL, "GmbH", "##A", *LOWER), True),  # in places of [unused]
        ((*SPECIAL, *(f"Word{number}" for number in range(20)), *LOWER), False),
        ((*SPECIAL, "Ünder", *LOWER[:10]), False),
    ],
)
def test_capitals_tell_of_a_vocabulary_of_text_as_written(tokens, expected):
    assert is_lower_case(Vocabulary(tokens), None) is expected
    assert is_lower_case(Vocabulary(tokens), not expected) is not expected


def test_without_a_vocabulary():
    assert is_lower_case(None, None)
