"""Files that are there whole or not at all.

Python's own functions read and write local ones: TensorFlow's, which know other file
systems, take seconds to import.
"""

import dataclasses
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterable
from typing import IO, Any

from bert_tf.errors import UserError

_CHUNK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class _FileSystem:
    """Where a path is."""

    open: Callable[[str, str], IO[bytes]]
    replace: Callable[[str, str], None]
    exists: Callable[[str], bool]
    remove: Callable[[str], None]
    error: type[Exception]


def _file_system(path: str) -> _FileSystem:
    if "://" not in path:
        return _FileSystem(open, os.replace, os.path.exists, os.remove, OSError)
    import tensorflow as tf

    gfile = tf.io.gfile
    return _FileSystem(
        gfile.GFile,
        lambda source, target: gfile.rename(source, target, overwrite=True),
        gfile.exists,
        gfile.remove,
        tf.errors.OpError,
    )


def read_text(path: str | os.PathLike[str]) -> str | None:
    """The content of a file in UTF-8; None if there is none.

    Args:
        path: on any file system that TensorFlow knows.

    Raises:
        UserError: the file cannot be read, or is not UTF-8.
    """
    path = os.fspath(path)
    files = _file_system(path)
    try:
        if not files.exists(path):
            return None
        with files.open(path, "rb") as file:
            return file.read().decode("utf-8")
    except (files.error, UnicodeDecodeError) as error:
        raise UserError(
            f"Expected text that can be read, received {path!r} "
            f"({type(error).__name__}); restore the file or make it readable."
        ) from error


def read_json(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The object in a file of JSON; None if there is no file.

    Args:
        path: on any file system that TensorFlow knows.

    Raises:
        UserError: something else is in it, or it cannot be read.
    """
    text = read_text(path)
    if text is None:
        return None
    try:
        content = json.loads(text)
    except ValueError as error:
        raise UserError(
            f"Expected JSON in {os.fspath(path)!r}, received something else ({error}); "
            "restore the file."
        ) from error
    if not isinstance(content, dict):
        raise UserError(
            f"Expected an object of JSON in {os.fspath(path)!r}, received a "
            f"{type(content).__name__}; restore the file."
        )
    return content


def write_atomically(
    path: str | os.PathLike[str], content: bytes | Iterable[bytes]
) -> None:
    """Writes a file under a temporary name beside it and renames that.

    A reader never sees a part of it, and an existing file is replaced.

    Args:
        path: on any file system that TensorFlow knows.
        content: all of it, or its parts in order.

    Raises:
        UserError: the file cannot be written.
    """
    path = os.fspath(path)
    files = _file_system(path)
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        with files.open(temporary, "wb") as file:
            for part in [content] if isinstance(content, bytes) else content:
                file.write(part)
        files.replace(temporary, path)
    except files.error as error:
        raise UserError(
            f"Expected a file that can be written, received {path!r} "
            f"({type(error).__name__}); check that its folder exists and is writable."
        ) from error
    finally:
        if files.exists(temporary):
            files.remove(temporary)


def check_folder_of(path: str) -> None:
    """Raises UserError if a file's folder is not there, before work that it is for.

    Args:
        path: on any file system; those of object stores have no folders.
    """
    folder = os.path.dirname(path) or "."
    if "://" not in path and not os.path.isdir(folder):
        raise UserError(
            f"Expected a file that can be written, received {path!r}, whose folder is "
            "not there; make it, or check the path."
        )


def make_folder(path: str | os.PathLike[str]) -> None:
    """Makes a folder and those above it, unless they exist.

    Args:
        path: on any file system that TensorFlow knows.

    Raises:
        UserError: it cannot be made.
    """
    import tensorflow as tf

    try:
        tf.io.gfile.makedirs(os.fspath(path))
    except tf.errors.OpError as error:
        raise UserError(
            f"Expected a folder that can be made, received {os.fspath(path)!r} "
            f"({type(error).__name__}); choose another or make it writable."
        ) from error


def sha256(path: str | os.PathLike[str]) -> str:
    """The digest of a file's content, 64 hexadecimal digits.

    Args:
        path: on any file system that TensorFlow knows.
    """
    import tensorflow as tf

    digest = hashlib.sha256()
    with tf.io.gfile.GFile(os.fspath(path), "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
