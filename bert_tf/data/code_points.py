"""What the original tokenizer does to each Unicode code point, as look-up tables.

The original asks Python's `unicodedata`, whose Unicode version changes with Python's,
and other libraries ask ICU, which differs again. Tokens must not change with either:
the tables were made once from Unicode 14.0 (Python 3.11) and are kept beside this
file. `python -m bert_tf.data.code_points` makes them again.

Two levels keep them small: `page_starts[code >> 8]` says where the code point's page
of 256 starts in `pages`, which holds the number of an entry; an entry holds what all
code points with that treatment share. Equal pages are stored once.
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

# What a code point means to a capital sigma beside it (Unicode 14.0, 3.13, table 3-17).
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
    """The tables for one case treatment; E entries, P distinct pages.

    Attributes:
        page_starts: int32 [4352], where the page of `code >> 8` starts in `pages`.
        pages: uint16 [P * 256], numbers of entries.
        kinds: int32 [E], DROPPED to LETTER.
        num_outputs: int32 [E], how many code points it becomes: 0 if DROPPED or
            STRIPPED_MARK, else 1 to 3.
        outputs: int32 [E, 3], what it becomes: the first as the difference from the
            code point itself, so that unchanged ones share an entry.
        combining: int32 [E], canonical combining class of the code point itself.
        starts_run: int32 [E], 1 if canonical reordering does not pass it, else 0.
        sigma_context: int32 [E], UNCASED, CASED or CASE_IGNORABLE.
    """

    page_starts: np.ndarray
    pages: np.ndarray
    kinds: np.ndarray
    num_outputs: np.ndarray
    outputs: np.ndarray
    combining: np.ndarray
    starts_run: np.ndarray
    sigma_context: np.ndarray


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
    entry_numbers: dict[tuple[int, ...], int] = {}
    codes = [
        entry_numbers.setdefault(_entry(chr(code), lower_case), len(entry_numbers))
        for code in range(NUM_CODE_POINTS)
    ]
    pages, page_numbers = np.unique(
        np.array(codes, np.uint16).reshape(-1, PAGE_SIZE), axis=0, return_inverse=True
    )
    entries = np.array(list(entry_numbers), np.int32)
    return CodePointTables(
        page_starts=(page_numbers.reshape(-1) * PAGE_SIZE).astype(np.int32),
        pages=pages.reshape(-1),
        kinds=entries[:, 0],
        num_outputs=entries[:, 1],
        outputs=entries[:, 2:5],
        combining=entries[:, 5],
        starts_run=entries[:, 6],
        sigma_context=entries[:, 7],
    )


def _entry(character: str, lower_case: bool) -> tuple[int, ...]:
    category = unicodedata.category(character)
    controls = category in ("Cc", "Cf") and character not in "\t\n\r"
    if controls or character in "\0\ufffd":
        # Case-ignorable is to a sigma what absence is, and never starts a run.
        return (DROPPED, 0, 0, 0, 0, 0, 0, CASE_IGNORABLE if lower_case else UNCASED)
    if character.isspace():
        return (SPACE, 1, 0, 0, 0, 0, 1, UNCASED)
    if not lower_case:
        kind = ALONE if _is_cjk(character) or _is_punctuation(character) else LETTER
        return (kind, 1, 0, 0, 0, 0, 1, UNCASED)
    decomposed = unicodedata.normalize("NFD", character.lower())
    kept = [each for each in decomposed if unicodedata.category(each) != "Mn"]
    # The first difference is what lower-casing and decomposing add to the code point.
    outputs = [ord(each) for each in kept]
    differences = [outputs[0] - ord(character), *outputs[1:]] if outputs else []
    return (
        _kind(character, kept),
        len(outputs),
        *[*differences, 0, 0, 0][:3],
        unicodedata.combining(character),
        int(any(unicodedata.combining(each) == 0 for each in decomposed)),
        _sigma_context(character),
    )


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
