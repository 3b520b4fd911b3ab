"""What the original tokenizer does to each Unicode code point, as look-up tables.

The original asks Python's `unicodedata`, whose Unicode version changes with Python's,
and other libraries ask ICU, which differs again. Tokens must not change with either:
the tables were made once from Unicode 14.0 (Python 3.11) and are kept beside this
file. `python -m bert_tf.data.code_points` makes them again.

Two levels keep them small: `page_starts[code >> 8]` says where the code point's page
of 256 starts in the other arrays; equal pages are stored once.
"""

import dataclasses
import pathlib
import unicodedata

import numpy as np

UNICODE_VERSION = "14.0.0"
TABLES_PATH = pathlib.Path(__file__).with_name("code_points.npz")
NUM_CODE_POINTS = 0x110000
PAGE_SIZE = 256

# What becomes of a code point. The order matters: from SPACE on it ends what is
# before it, from ALONE on it is part of a word.
DROPPED = 0  # as if it was not there
STRIPPED_MARK = 1  # belongs to the character before it and leaves no trace
SPACE = 2
ALONE = 3  # a word by itself: punctuation and CJK ideographs
LETTER = 4  # whatever else words are made of

# The bits of an action: kind, number of outputs, whether it may have to be reordered,
# and above them what to add to the code point to get its first output.
KIND_MASK = 0b111
NUM_OUTPUTS_SHIFT = 3
NUM_OUTPUTS_MASK = 0b11
REORDERED_BIT = 1 << 5
DIFFERENCE_SHIFT = 6

# The bits of a context: canonical combining class, whether it starts a run that is
# reordered by itself, and what it means to a capital sigma beside it.
COMBINING_MASK = 0xFF
STARTS_RUN_SHIFT = 8
SIGMA_SHIFT = 9
UNCASED = 0
CASED = 1
CASE_IGNORABLE = 2

# The original's list: ideographs, not the syllables of Japanese and Korean.
_CJK_RANGES = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


@dataclasses.dataclass(frozen=True)
class CodePointTables:
    """The tables for one case treatment, with P distinct pages.

    Attributes:
        page_starts: int32 [4352], where the page of `code >> 8` starts in the others.
        actions: int32 [P * 256], packed: kind, number of outputs (0 if DROPPED or
            STRIPPED_MARK, else 1 to 3) and the first output, as a difference so that
            pages of unchanged code points are equal.
        seconds: int32 [P * 256], the second output or 0.
        thirds: int32 [P * 256], the third output or 0.
        contexts: int32 [P * 256], packed: what it means to its neighbours.
    """

    page_starts: np.ndarray
    actions: np.ndarray
    seconds: np.ndarray
    thirds: np.ndarray
    contexts: np.ndarray


def load_tables(*, lower_case: bool) -> CodePointTables:
    """Reads the tables kept beside this file.

    Args:
        lower_case: True for those that lower-case and strip accents.

    Returns:
        CodePointTables.
    """
    prefix = _prefix(lower_case)
    with np.load(TABLES_PATH) as arrays:
        return CodePointTables(
            **{
                field.name: arrays[prefix + field.name]
                for field in dataclasses.fields(CodePointTables)
            }
        )


def build_tables(*, lower_case: bool) -> CodePointTables:
    """Makes the tables from this Python's `unicodedata`.

    Args:
        lower_case: whether to lower-case, decompose (NFD) and strip accents, as the
            original does with `do_lower_case`.

    Returns:
        CodePointTables of this Python's Unicode version.

    Raises:
        ValueError: Unicode holds a code point the tables cannot express.

    Source: BasicTokenizer of the original tokenization.py; NFD of Unicode 14.0, 3.11.
    """
    rows = [_row(chr(code), lower_case) for code in range(NUM_CODE_POINTS)]
    pages, page_numbers = np.unique(
        np.array(rows, np.int32).reshape(-1, PAGE_SIZE, 4), axis=0, return_inverse=True
    )
    columns = pages.reshape(-1, 4).T
    return CodePointTables(
        (page_numbers.reshape(-1) * PAGE_SIZE).astype(np.int32), *columns
    )


def _row(character: str, lower_case: bool) -> tuple[int, int, int, int]:
    """Action, second and third output, and context."""
    category = unicodedata.category(character)
    controls = category in ("Cc", "Cf") and character not in "\t\n\r"
    if controls or character in "\0\ufffd":
        # A case-ignorable is to a sigma what absence is.
        return DROPPED, 0, 0, CASE_IGNORABLE << SIGMA_SHIFT
    if character.isspace():
        return SPACE | 1 << NUM_OUTPUTS_SHIFT, 0, 0, 1 << STARTS_RUN_SHIFT
    if not lower_case:
        kind = ALONE if _is_cjk(character) or _is_punctuation(character) else LETTER
        return kind | 1 << NUM_OUTPUTS_SHIFT, 0, 0, 1 << STARTS_RUN_SHIFT
    decomposed = unicodedata.normalize("NFD", character.lower())
    kept = [each for each in decomposed if unicodedata.category(each) != "Mn"]
    action = _kind(character, kept) | len(kept) << NUM_OUTPUTS_SHIFT
    if kept:
        action |= (ord(kept[0]) - ord(character)) << DIFFERENCE_SHIFT
        action |= REORDERED_BIT if unicodedata.combining(character) else 0
    starts_run = any(unicodedata.combining(each) == 0 for each in decomposed)
    context = (
        unicodedata.combining(character)
        | starts_run << STARTS_RUN_SHIFT
        | _sigma_context(character) << SIGMA_SHIFT
    )
    second, third = [*map(ord, kept[1:]), 0, 0][:2]
    return action, second, third, context


def _kind(character: str, kept: list[str]) -> int:
    if not kept:
        return STRIPPED_MARK
    alone = _is_cjk(character) or any(_is_punctuation(each) for each in kept)
    expressible = len(kept) == 1 if alone else len(kept) <= 3
    if not expressible or any(each.isspace() for each in kept):
        raise ValueError(
            "Expected a code point that becomes one sign or up to three letters, "
            f"received U+{ord(character):04X}, which becomes {kept!r}; give the tables "
            "a kind for it."
        )
    return ALONE if alone else LETTER


def _is_cjk(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _CJK_RANGES)


def _is_punctuation(character: str) -> bool:
    # All signs of ASCII count, also those like $ that are symbols to Unicode.
    if character.isascii():
        return character.isprintable() and not (character.isalnum() or character == " ")
    return unicodedata.category(character).startswith("P")


def _sigma_context(character: str) -> int:
    # Python does not publish these properties, but its lower() follows them: a sigma
    # is final after a cased letter, whatever case-ignorable ones stand between.
    if (character + "Σ").lower().endswith("ς"):
        return CASED
    return CASE_IGNORABLE if ("A" + character + "Σ").lower().endswith("ς") else UNCASED


def _prefix(lower_case: bool) -> str:
    return "lower_" if lower_case else "cased_"


def write_tables(path: pathlib.Path) -> None:
    """Writes the tables of both case treatments as a compressed .npz file.

    Args:
        path: the file to write.

    Raises:
        ValueError: this Python's Unicode version is not UNICODE_VERSION.
    """
    if unicodedata.unidata_version != UNICODE_VERSION:
        raise ValueError(
            f"Expected Unicode {UNICODE_VERSION}, received "
            f"{unicodedata.unidata_version}; run this with Python 3.11."
        )
    arrays = {
        _prefix(lower_case) + name: array
        for lower_case in (False, True)
        for name, array in dataclasses.asdict(build_tables(lower_case=lower_case)).items()
    }
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    write_tables(TABLES_PATH)
