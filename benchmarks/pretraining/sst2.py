"""SST-2 (Socher et al. 2013) as GLUE has it: is a sentence of a film review positive?"""

import csv
import lzma
import pathlib
import random
from typing import NamedTuple

import numpy as np

from bert_tf.errors import UserError


class Examples(NamedTuple):
    """N sentences."""

    sentences: list[str]
    labels: np.ndarray  # int32 [N], 1 is positive


def read(folder: str, split: str) -> Examples:
    """The examples of `train` or `dev`.

    Args:
        folder: GLUE's, with train.tsv and dev.tsv, each plain or .xz.
        split: which.

    Raises:
        UserError: there is no such file.
    """
    plain = pathlib.Path(folder, f"{split}.tsv")
    path = plain if plain.exists() else plain.with_suffix(".tsv.xz")
    if not path.exists():
        raise UserError(
            f"--sst2: expected {plain.name} or {path.name} in it, received neither in "
            f"{folder!r}; give GLUE's folder."
        )
    with (lzma.open if path.suffix == ".xz" else open)(path, "rt") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return Examples(
        [row["sentence"] for row in rows], np.array([row["label"] for row in rows], "i4")
    )


def sample(examples: Examples, number: int) -> Examples:
    """Random ones, the same each time; all if there are no more."""
    indices = list(range(len(examples.labels)))
    random.Random(0).shuffle(indices)
    chosen = indices[:number]
    return Examples([examples.sentences[i] for i in chosen], examples.labels[chosen])
