"""As much text as a measurement wants, made of the text there is."""

import itertools
import lzma
import pathlib
from collections.abc import Iterator, Sequence

from bert_tf.errors import UserError

_DIGITS = (
    *("zero", "one", "two", "three", "four"),
    *("five", "six", "seven", "eight", "nine"),
)
Document = tuple[str, ...]  # its sentences


def read_documents(paths: Sequence[str]) -> list[Document]:
    """The documents of text files, each content once.

    Args:
        paths: files with a sentence a line and a blank line between documents; .xz is
            decompressed.

    Raises:
        UserError: a file cannot be read, or there is no document in any.
    """
    found: dict[Document, None] = {}
    for path in paths:
        try:
            with (lzma.open if path.endswith(".xz") else open)(
                path, "rt", encoding="utf-8", errors="ignore"
            ) as lines:
                for has_text, group in itertools.groupby(map(str.strip, lines), key=bool):
                    if has_text:
                        found[tuple(group)] = None
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise UserError(
                f"--input: expected text files, received {path!r} ({error}); check it."
            ) from error
    if not found:
        raise UserError(
            f"--input: expected documents, received none in {','.join(paths)}; "
            "name other files."
        )
    return list(found)


def repeat_documents(documents: Sequence[Document]) -> Iterator[Document]:
    """The documents over and over, endlessly, so that no generator drops one as known.

    From the second round on, the number of the round, digit for digit in words, follows
    the first sentence of each document. Tokenizers find words in it that they know.

    Args:
        documents: at least one; all differ.
    """
    yield from documents
    for repetition in itertools.count(2):
        number = " ".join(_DIGITS[int(digit)] for digit in str(repetition))
        for first, *others in documents:
            yield (f"{first} {number}", *others)


def write_text(
    documents: Sequence[Document], path: pathlib.Path, *, num_bytes: float
) -> None:
    """Writes repeated documents, as generators read them, until there are `num_bytes`."""
    num_written = 0
    with path.open("wb") as file:
        for document in repeat_documents(documents):
            num_written += file.write(_as_text(document))
            if num_written >= num_bytes:
                return


def describe(documents: Sequence[Document]) -> str:
    """How much there is before it is repeated."""
    num_bytes = sum(len(_as_text(document)) for document in documents)
    return (
        f"{len(documents):,} documents of {sum(map(len, documents)):,} sentences, "
        f"{num_bytes / 1e6:.1f} MB before they are repeated"
    )


def _as_text(document: Document) -> bytes:
    return "".join(f"{line}\n" for line in (*document, "")).encode()
