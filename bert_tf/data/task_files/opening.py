"""The text of a file of examples, plain or compressed, and errors that name its line."""

import io
import json
import os
import re
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from bert_tf.data.decompression import DAMAGE, open_text
from bert_tf.errors import UserError

_BYTE_ORDER_MARK = "\ufeff"
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
# Escapes in JSON: a pair of surrogates, half of one (the group), and any other.
_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.")


def read_text(path: str) -> str:
    """All of a file, without a byte order mark, its lines ended by line feeds alone.

    Args:
        path: on any file system that TensorFlow knows; .gz, .bz2, .xz or .zst is
            decompressed.

    Raises:
        UserError: it cannot be read, is damaged or is not UTF-8.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            content = file.read()
    except tf.errors.OpError as error:
        raise UserError(
            f"Expected a file of examples, received {path!r}, which cannot be read "
            f"({type(error).__name__}); check the path."
        ) from error
    ending = os.path.splitext(path)[1]
    if ending in COMPRESSED:
        try:
            content = open_text(io.BytesIO(content), path).read()
        except (*DAMAGE, ValueError) as error:
            raise UserError(
                f"Expected a file compressed as {ending}, received {path!r}, which is "
                f"damaged ({error}); copy it again."
            ) from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: expected UTF-8, received the byte "
            f"0x{content[error.start]:02x}; convert the file to UTF-8."
        ) from error
    text = text.removeprefix(_BYTE_ORDER_MARK).replace("\r\n", "\n")
    # As some spreadsheets end lines.
    return text if "\n" in text else text.replace("\r", "\n")


def ending_of(path: str) -> str:
    """What the name of a file ends in, as "tsv" of train.tsv.xz; "" where it has none."""
    name = os.path.basename(path)
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return os.path.splitext(name)[1].removeprefix(".")


def read_lines(path: str) -> Iterator[tuple[int, str]]:
    """The lines of a file and their numbers from 1; see `read_text`.

    Only line feeds end lines: U+2028 and its like may stand within one.
    """
    lines = read_text(path).split("\n")
    if not lines[-1]:
        lines.pop()
    return enumerate(lines, start=1)


def parse_json(path: str, text: str, *, line: int = 1, expected: str = "JSON") -> Any:
    """The value that JSON stands for.

    Args:
        path: of the file.
        text: all of it or some lines.
        line: the number of the first.
        expected: what it should be, for errors.

    Raises:
        UserError: naming the line: it is no JSON, is nested too deep, or holds half of a
            surrogate pair, which no UTF-8 can.
    """
    try:
        # NaN is how Python and pandas write what is missing.
        value = json.loads(text, parse_constant=lambda name: None)
    except (ValueError, RecursionError) as error:
        raise wrong(
            path,
            line + getattr(error, "lineno", 1) - 1,
            f"expected {expected}, received no JSON ({getattr(error, 'msg', error)}); "
            "mend it.",
        ) from error
    for escape in _ESCAPE.finditer(text):
        if escape[1]:
            raise wrong(
                path,
                line + text.count("\n", 0, escape.start()),
                f"expected {expected}, received {escape[1]}, which is half of a "
                "character; mend it.",
            )
    return value


def wrong(path: str, line: int, message: str) -> UserError:
    """An error that names the line it is about."""
    return UserError(f"{path}:{line}: {message}")
