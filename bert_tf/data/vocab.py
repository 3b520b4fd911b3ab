"""The vocabulary: one WordPiece a line, its id the line's number from 0."""

import dataclasses
import functools
import hashlib
import os

from bert_tf.config import SPECIAL_TOKENS
from bert_tf.errors import UserError
from bert_tf.files import write_atomically


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """WordPieces in the order of their ids.

    Raises UserError for an empty or repeated token, one that holds a line break, or a
    missing special token. The original's `load_vocab` lets the last of two equal
    lines win; none of Google's vocabularies has any, so here it is an error.
    """

    tokens: tuple[str, ...]

    def __post_init__(self):
        if not self.tokens:
            raise UserError("Expected a token a line, received none; check the file.")
        for number, token in enumerate(self.tokens, start=1):
            if not token or "\n" in token:
                raise UserError(
                    f"Expected one token on line {number}, received {token!r}; "
                    "remove the line, or the line break from the token."
                )
        if len(self.ids) != len(self.tokens):
            token, first, second = self._first_repeated()
            raise UserError(
                f"Expected distinct tokens, received {token!r} on lines {first} and "
                f"{second}; remove one of them."
            )
        missing = [token for token in SPECIAL_TOKENS if token not in self.ids]
        if missing:
            raise UserError(
                f"Expected the special tokens {' '.join(SPECIAL_TOKENS)}, received none "
                f"of {' '.join(missing)}; add what is missing, a token a line."
            )

    def _first_repeated(self) -> tuple[str, int, int]:
        seen: dict[str, int] = {}
        for number, token in enumerate(self.tokens, start=1):
            if token in seen:
                return token, seen[token], number
            seen[token] = number
        raise RuntimeError("no token is repeated")

    def __len__(self) -> int:
        return len(self.tokens)

    @functools.cached_property
    def ids(self) -> dict[str, int]:
        """From token to id."""
        return {token: index for index, token in enumerate(self.tokens)}

    @functools.cached_property
    def file_bytes(self) -> bytes:
        r"""The canonical file: UTF-8, every token followed by one `\n`."""
        return "".join(f"{token}\n" for token in self.tokens).encode("utf-8")

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of `file_bytes`, 64 hexadecimal digits."""
        return hashlib.sha256(self.file_bytes).hexdigest()

    @property
    def pad_id(self) -> int:
        """Id of [PAD]."""
        return self.ids["[PAD]"]

    @property
    def unk_id(self) -> int:
        """Id of [UNK]."""
        return self.ids["[UNK]"]

    @property
    def cls_id(self) -> int:
        """Id of [CLS]."""
        return self.ids["[CLS]"]

    @property
    def sep_id(self) -> int:
        """Id of [SEP]."""
        return self.ids["[SEP]"]

    @property
    def mask_id(self) -> int:
        """Id of [MASK]."""
        return self.ids["[MASK]"]


def load_vocabulary(path: str | os.PathLike[str]) -> Vocabulary:
    """Reads a vocabulary file, such as the ones published with BERT.

    Args:
        path: a local file, or one on any file system that TensorFlow knows (gs://).

    Returns:
        A Vocabulary; a token's id is its line's number from 0.

    Raises:
        UserError: the file cannot be read, is not UTF-8, or is no vocabulary.
    """
    import tensorflow as tf  # here, because it takes seconds that --help must not pay

    path = os.fspath(path)
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            content = file.read()
    except tf.errors.OpError as error:
        raise UserError(
            f"Expected a vocabulary file, received {path!r}, which cannot be read "
            f"({type(error).__name__}); check the path."
        ) from error
    return parse_vocabulary(content, path)


def parse_vocabulary(content: bytes, path: str) -> Vocabulary:
    r"""Reads the content of a vocabulary file.

    Lines end at `\n` or `\r\n` and nowhere else: the published Chinese vocabulary
    holds U+2028 as a token, at which `str.splitlines` would shift every later id.

    Args:
        content: all of the file.
        path: the file's, to name it in errors.

    Returns:
        A Vocabulary; a token's id is its line's number from 0.

    Raises:
        UserError: it is not UTF-8, or no vocabulary.

    Source: `load_vocab` of the original tokenization.py.
    """
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(
            f"Expected a vocabulary in UTF-8, received {path!r} with another byte at "
            f"offset {error.start}; convert the file to UTF-8."
        ) from error
    if not lines[-1]:
        lines.pop()
    try:
        return Vocabulary(tuple(line.removesuffix("\r") for line in lines))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def save_vocabulary(vocabulary: Vocabulary, path: str | os.PathLike[str]) -> None:
    r"""Writes a vocabulary file in UTF-8, every token followed by `\n`.

    It is written under a temporary name in the same folder and renamed, so that a
    reader never sees a part of it. An existing file is replaced.

    Args:
        vocabulary: what to write.
        path: where to, on any file system that TensorFlow knows.

    Raises:
        UserError: the file cannot be written.
    """
    write_atomically(path, vocabulary.file_bytes)
