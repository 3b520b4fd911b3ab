"""Entities of several words, from a label of each word.

A label is O, outside, or a prefix and a type, such as B-PER. The schemes:

    words   Alex   Smith  Bob    ran
    IOB1    I-PER  I-PER  B-PER  O     B- behind another entity of the type alone
    IOB2    B-PER  I-PER  B-PER  O     B- at the beginning of each
    BIOES   B-PER  E-PER  S-PER  O     E- at the end of several words, S- for one
    BILOU   B-PER  L-PER  U-PER  O     the same by other letters

Where there is one type alone, the prefix may be all: B, I and O.

All are read as conlleval does, whatever follows what (Tjong Kim Sang and Buchholz 2000).

Shapes: B texts, (words) of a text, (entities) of a text.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence

import tensorflow as tf

OUTSIDE = "O"
_ONLY_TYPE = "ENTITY"  # what answers call the type that has no name
_LABEL = re.compile(r"O|[BIESLU](-.+)?")
_PREFIXED = re.compile(r"[BI]-.")


@dataclasses.dataclass(frozen=True)
class Entities:
    """Those of a batch, in the order of the words."""

    type: tf.RaggedTensor  # string [B, (entities)]
    first: tf.RaggedTensor  # int64 [B, (entities)], number of the word in its text
    last: tf.RaggedTensor  # int64 [B, (entities)]
    score: tf.RaggedTensor  # float32 [B, (entities)], the mean of the words'


def are_entity_labels(labels: Iterable[str]) -> bool:
    """Whether labels are O and prefixed types, at least one of these, and no others.

    Prefixes alone are such labels if B is among them.
    """
    distinct = set(labels)
    bare = {label for label in distinct - {OUTSIDE} if len(label) == 1}
    return (
        bool(distinct - {OUTSIDE})
        and all(map(_LABEL.fullmatch, distinct))
        and (not bare or "B" in bare)
    )


def first_misfit(labels: Sequence[str]) -> int | None:
    """The number of the first label that is no entity's among others that are.

    None where there is no such one: they need O and one that begins with B- or I-.
    """
    if OUTSIDE not in labels or not any(map(_PREFIXED.match, labels)):
        return None
    fits = map(_LABEL.fullmatch, labels)
    return next((number for number, fit in enumerate(fits) if not fit), None)


def all_iob2(labels: Iterable[str]) -> set[str]:
    """What `to_iob2` makes of any sequence of labels."""
    suffixes = {suffix_of(label) for label in labels if label != OUTSIDE}
    return {OUTSIDE, *(prefix + suffix for prefix in "BI" for suffix in suffixes)}


def suffix_of(label: str) -> str:
    """-PER of B-PER; nothing of B and of O."""
    return label[1:]


def to_iob2(labels: Sequence[str]) -> list[str]:
    """The same entities as IOB2 tells them.

        ["I-PER", "I-PER", "B-PER", "O"]    -> ["B-PER", "I-PER", "B-PER", "O"]
        ["B-PER", "E-PER", "S-PER", "I-LOC"] -> ["B-PER", "I-PER", "B-PER", "B-LOC"]

    Args:
        labels: of the words of a sentence, of any of the schemes.
    """
    return [
        label
        if label == OUTSIDE
        else f"{'B' if _begins(before, label) else 'I'}{suffix_of(label)}"
        for before, label in zip([OUTSIDE, *labels], labels, strict=False)
    ]


def _begins(before: str, label: str) -> bool:
    """Whether a word with a label other than O begins an entity."""
    return (
        label[0] in "BSU"
        or before[0] in "OESLU"  # O, or the end of another entity
        or suffix_of(before) != suffix_of(label)
    )


def merge_entities(
    label_ids: tf.RaggedTensor, scores: tf.RaggedTensor, labels: Sequence[str]
) -> Entities:
    """Finds the entities in the graph.

    Args:
        label_ids: int32 [B, (words)].
        scores: float32 [B, (words)].
        labels: by their ids, of any of the schemes.
    """
    # A row for each label before, the last for nothing before.
    begins_table = tf.constant(
        [
            [label != OUTSIDE and _begins(before, label) for label in labels]
            for before in [*labels, OUTSIDE]
        ]
    )
    is_within_table = tf.constant([label != OUTSIDE for label in labels])
    type_table = tf.constant([suffix_of(label)[1:] or _ONLY_TYPE for label in labels])
    ids = label_ids.flat_values
    nothing = tf.fill([label_ids.nrows(), 1], len(labels))
    before = tf.concat([nothing, label_ids], axis=1)[:, :-1].flat_values
    begins = tf.gather_nd(begins_table, tf.stack([before, ids], axis=1))

    within = tf.where(tf.gather(is_within_table, ids))[:, 0]
    entity_of_word = tf.cumsum(tf.cast(begins, tf.int64)) - 1
    entity_of_word = tf.gather(entity_of_word, within)
    num_words = tf.math.segment_sum(tf.ones_like(within), entity_of_word)
    score = tf.math.segment_mean(tf.gather(scores.flat_values, within), entity_of_word)

    first = tf.where(begins)[:, 0]
    text = tf.gather(label_ids.value_rowids(), first)
    first_in_text = first - tf.gather(label_ids.row_starts(), text)
    by_text = tf.RaggedTensor.from_value_rowids(
        first_in_text, text, nrows=label_ids.nrows(), validate=False
    )
    return Entities(
        type=by_text.with_values(tf.gather(type_table, tf.gather(ids, first))),
        first=by_text,
        last=by_text + by_text.with_values(num_words - 1),
        score=by_text.with_values(score),
    )
