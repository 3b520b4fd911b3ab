"""Moves documents from readers to buckets through files on a disk that workers share.

A reader writes what it has read, sorted by key; a bucket is a range of keys, and so one
piece of each file. What Beam itself has to move is the files' names.
"""

import os
import uuid

import numpy as np

from bert_tf.data.tokenized import TokenizedDocuments


def write(folder: str, documents: TokenizedDocuments) -> str:
    """Writes sorted documents to a new file and returns its path."""
    path = os.path.join(folder, f"{uuid.uuid4().hex}.documents")
    with open(path, "wb") as file:
        file.write(documents.to_bytes())
    return path


def read_range(path: str, first: int, stop: int) -> TokenizedDocuments:
    """The documents of a range of keys.

    Args:
        path: what `write` returned.
        first: first key, by its higher half.
        stop: key after the last.

    Returns:
        Documents, not more of the file than them being read from the disk.
    """
    mapped = np.memmap(path, np.uint8, mode="r")
    found = TokenizedDocuments.from_bytes(mapped).range_of_keys(first, stop)
    # Copies, so that not all files of a large corpus are mapped at once.
    return TokenizedDocuments(*map(np.array, found))
