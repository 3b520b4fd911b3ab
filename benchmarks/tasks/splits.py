"""Parts of a file's lines, as if drawn at random, and the same wherever it is done."""

import hashlib
import pathlib
import re
from collections.abc import Sequence

from benchmarks.tasks.catalogue import Contest
from bert_tf.data.task_files.opening import read_lines
from bert_tf.files import write_atomically

_HELD_OUT_SHARE = 0.2


def make_files(
    contest: Contest, data: pathlib.Path, folder: pathlib.Path
) -> dict[str, str]:
    """The files of `train` and `eval`.

    Args:
        contest: tells which they are.
        data: the folder they are in.
        folder: where to write those that are a part of another.

    Raises:
        UserError: a file that is to be parted cannot be read.
    """
    whole = data / contest.train_file
    files = {"train": str(whole), "eval": str(data / contest.eval_file)}
    if contest.eval_file and contest.num_train_lines is None:
        return files
    lines = [line for _, line in read_lines(str(whole))]
    header, lines = lines[: contest.has_header], lines[contest.has_header :]
    if contest.eval_file:
        lines = list(filter(re.compile(contest.train_lines).fullmatch, lines))
        parts = {"train": sample(lines, contest.num_train_lines)}
    else:
        train, held_out = split(
            lines, share=_HELD_OUT_SHARE, splits_repeats=contest.splits_repeats
        )
        parts = {"train": train, "eval": held_out}
    name = pathlib.Path(contest.train_file.removesuffix(".xz"))
    folder.mkdir(parents=True, exist_ok=True)
    for part, of_part in parts.items():
        path = folder / f"{part}{name.suffix}"
        write_atomically(path, "\n".join([*header, *of_part, ""]).encode())
        files[part] = str(path)
    return files


def split(
    lines: Sequence[str], *, share: float, splits_repeats: bool
) -> tuple[list[str], list[str]]:
    """Lines to train on and lines to hold out.

    Args:
        lines: in any number.
        share: of the lines to hold out, about.
        splits_repeats: choose by where a line is, not by what it is: of equal ones some
            may be trained on and others held out.
    """
    parts: tuple[list[str], list[str]] = ([], [])
    for number, line in enumerate(lines):
        place = _place(str(number) if splits_repeats else line)
        parts[place < share].append(line)
    return parts


def sample(lines: Sequence[str], number: int) -> list[str]:
    """So many of the lines, in their order; all if there are no more."""
    chosen = sorted(range(len(lines)), key=lambda index: _place(lines[index]))[:number]
    return [lines[index] for index in sorted(chosen)]


def _place(key: str) -> float:
    """From 0 to 1, as if drawn at random."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
