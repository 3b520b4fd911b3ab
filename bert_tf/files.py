"""Files that are there whole or not at all."""

import hashlib
import os
import uuid

from bert_tf.errors import UserError

_CHUNK_BYTES = 1 << 20


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes a file under a temporary name beside it and renames that.

    A reader never sees a part of it, and an existing file is replaced.

    Args:
        path: on any file system that TensorFlow knows.
        content: all of it.

    Raises:
        UserError: the file cannot be written.
    """
    import tensorflow as tf  # here, because it takes seconds that --help must not pay

    path = os.fspath(path)
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        with tf.io.gfile.GFile(temporary, "wb") as file:
            file.write(content)
        tf.io.gfile.rename(temporary, path, overwrite=True)
    except tf.errors.OpError as error:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.remove(temporary)
        raise UserError(
            f"Expected a file that can be written, received {path!r} "
            f"({type(error).__name__}); check that its folder exists and is writable."
        ) from error


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
