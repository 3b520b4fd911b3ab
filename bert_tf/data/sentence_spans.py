"""Sentences and their bytes in the text, in TensorFlow's graph.

For what a model is served with; `sentences.py` splits better, in Python.

Shapes: B texts, N sentences of all of them.
"""

from typing import NamedTuple

import tensorflow as tf
import tensorflow_text as tf_text

# TF Text ends a sentence at any full stop. These are hidden from it, and closing marks
# set before the full stop; both leave every byte after them where it is.
_ABBREVIATIONS = (
    r"Mr|Mrs|Ms|Dr|Prof|St|Gen|Col|Lt|Sgt|Capt|Rev|Gov|Sen|Rep|vs|cf|e\.g|i\.e"
)
_COUNTED = "No|Nos|Fig|pp|approx|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec"
# These may end a sentence, but none goes on with a small letter. Others do where people
# write without capitals.
_MAY_END = (
    r"[ap]\.m|Inc|Corp|Co|Ltd|Bros|Jr|Sr|etc|approx|est|Ave|Blvd|Rd|"
    r"Ala|Ariz|Ark|Calif|Colo|Conn|Del|Fla|Ga|Ill|Ind|Kan|Ky|La|Md|Mass|Mich|Minn|Miss|"
    r"Mo|Mont|Neb|Nev|Okla|Ore|Pa|Tenn|Tex|Va|Vt|Wash|Wis|Wyo"  # as newspapers write
)
_REWRITES = (
    (rf"\b({_ABBREVIATIONS})\.", r"\1,"),
    (rf"\b({_COUNTED})\.(\s+\d)", r"\1,\2"),
    (rf"\b({_MAY_END})\.(\s+\p{{Ll}})", r"\1,\2"),
    (r"(^|[\s(“\"'])(\p{Lu})\.", r"\1\2,"),  # initials: J. Smith
    (r"(\p{Lu})\.(\s+\p{Ll})", r"\1,\2"),  # acronyms: in the U.S. they
    (r"[.!?]([\"'”’]+\s+\p{Ll})", r",\1"),  # "Why?" he asked
    (r"\.([\p{L}\p{N}])", r",\1"),  # 1.5, www.bbc.co.uk
    (r"([.!?])([\"'”’)\]]+)", r"\2\1"),
)
_SPACE = r"[\p{Z}\t-\r]+"


class Sentences(NamedTuple):
    """The sentences of texts."""

    text: tf.RaggedTensor  # string [B, (sentences)]
    starts: tf.RaggedTensor  # int32 [B, (sentences)], the first byte of each in its text
    ends: tf.RaggedTensor  # and the byte after the last

    def where(self, is_kept: tf.Tensor) -> "Sentences":
        """Those for which bool [N] is true."""
        is_kept = self.text.with_flat_values(is_kept)
        return Sentences(*(tf.ragged.boolean_mask(part, is_kept) for part in self))


def split_sentences(text: tf.Tensor) -> Sentences:
    """Splits texts into sentences, in the graph.

    Line breaks end sentences, and so do TF Text's marks, but for the full stops of
    numbers, initials and common English abbreviations.

    Args:
        text: string [B].

    Returns:
        Sentences without white space around them; some may be empty.
    """
    lines = tf.strings.split(text, "\n")
    size = tf.strings.length(lines.flat_values) + 1
    first_byte = tf.cumsum(size, exclusive=True)  # in all texts together
    rows = lines.value_rowids()
    first_byte -= tf.gather(first_byte, tf.gather(lines.row_starts(), rows))

    starts, ends = _break_lines(lines.flat_values)
    parts = tf_text.ByteSplitter().split_by_offsets(lines.flat_values, starts, ends)

    first_byte = tf.gather(first_byte, starts.value_rowids())
    whole = parts.flat_values
    trimmed = tf.strings.regex_replace(whole, f"^{_SPACE}", "")
    starts = starts.flat_values + tf.strings.length(whole) - tf.strings.length(trimmed)
    trimmed = tf.strings.regex_replace(trimmed, f"{_SPACE}$", "")
    starts += first_byte
    ends = starts + tf.strings.length(trimmed)
    return Sentences(
        *(by_text(parts.with_flat_values(v), lines) for v in (trimmed, starts, ends))
    )


def _break_lines(lines: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """The bytes at which the sentences of lines begin and end: int32 [L, (sentences)]."""
    shown = lines
    for pattern, rewrite in _REWRITES:
        shown = tf.strings.regex_replace(shown, pattern, rewrite)
    breaker = tf_text.StateBasedSentenceBreaker()
    _, _, ends = breaker.break_sentences_with_offsets(shown)
    # TF Text goes over white space byte by byte, and may begin within a character. So
    # each begins where the one before ends, and the last ends with its line.
    line = ends.value_rowids()
    is_last = tf.concat([line[1:] != line[:-1], tf.ones_like(line[:1], tf.bool)], axis=0)
    bytes_of_line = tf.gather(tf.strings.length(lines), line)
    values = tf.where(is_last, bytes_of_line, tf.cast(ends.flat_values, tf.int32))
    starts = tf.concat([tf.zeros_like(values[:1]), values[:-1]], axis=0)
    is_first = tf.concat([tf.ones_like(is_last[:1]), is_last[:-1]], axis=0)
    starts = tf.where(is_first, 0, starts)
    return ends.with_flat_values(starts), ends.with_flat_values(values)


def by_text(parts: tf.RaggedTensor, wholes: tf.RaggedTensor) -> tf.RaggedTensor:
    """From the parts [N, (parts)] of each of wholes [B, (wholes)] to [B, (parts)]."""
    return tf.RaggedTensor.from_row_splits(
        parts.flat_values,
        tf.gather(parts.row_splits, wholes.row_splits),
        validate=False,
    )
