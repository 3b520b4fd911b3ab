"""One text for all systems: the same documents, vocabulary and tokens.

train.txt       documents to train on, a sentence a line
vocab.txt       WordPieces learned from them
static/         their examples with masks and next-sentence pairs
dynamic/        their examples without either
train.npz       their tokens in rows
held_out.npz    rows of the other documents, masked, for all to evaluate on
"""

import hashlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.data.long_text import Document
from benchmarks.pretraining.job import (
    MASKED_LM_PROB,
    MAX_PREDICTIONS_PER_SEQ,
    MAX_SEQ_LENGTH,
)
from bert_tf import cli
from bert_tf.config import SPECIAL_TOKENS, PretrainingDataConfig
from bert_tf.errors import UserError

HELD_OUT_FRACTION = 0.05
_SEED = 0


def make(documents: Sequence[Document], folder: pathlib.Path, *, vocab_size: int) -> None:
    """Writes the files above.

    Args:
        documents: at least one; a twentieth of them, chosen by content, is held out.
        folder: to write them into.
        vocab_size: WordPieces, at the most.

    Raises:
        UserError: too few documents, or a program that makes the files has failed.
    """
    held_out = [document for document in documents if is_held_out(document)]
    train = [document for document in documents if not is_held_out(document)]
    if not held_out or not train:
        raise UserError(
            f"--input: expected documents for training and others to hold out, received "
            f"{len(train)} and {len(held_out)}; give more text."
        )
    text, vocab_file = folder / "train.txt", folder / "vocab.txt"
    text.write_text("".join("\n".join((*document, "", "")) for document in train))
    _run("learn_vocab", text, vocab_file, f"--vocab_size={vocab_size}")
    for name, flags in (
        ("static", ()),
        ("dynamic", ("--masking=dynamic", "--next_sentence=false")),
    ):
        _run(
            "create_pretraining_data",
            text,
            folder / name,
            f"--vocab_file={vocab_file}",
            f"--max_seq_length={MAX_SEQ_LENGTH}",
            f"--max_predictions_per_seq={MAX_PREDICTIONS_PER_SEQ}",
            *("--held_out_fraction=0", "--overwrite", *flags),
        )
    cli.import_tensorflow()
    from bert_tf.data.vocab import load_vocabulary

    vocabulary = load_vocabulary(vocab_file)
    np.savez(folder / "train.npz", input_word_ids=_rows(train, vocabulary))
    np.savez(folder / "held_out.npz", **_masked(_rows(held_out, vocabulary), vocabulary))


def vocab_size(folder: pathlib.Path) -> int:
    """How many WordPieces were learned."""
    return (folder / "vocab.txt").read_bytes().count(b"\n")


def frequencies_loss(folder: pathlib.Path) -> float:
    """The held-out loss of the words' frequencies in training, one added to each."""
    with np.load(folder / "train.npz") as arrays:
        ids = arrays["input_word_ids"].ravel()
    counts = 1 + np.bincount(ids, minlength=vocab_size(folder))
    counts[: len(SPECIAL_TOKENS)] = 1  # are not predicted
    with np.load(folder / "held_out.npz") as arrays:
        labels = arrays["masked_lm_ids"][arrays["masked_lm_weights"] > 0]
    return float(-np.log(counts[labels] / counts.sum()).mean())


def is_held_out(document: Document) -> bool:
    """Whether a document is kept from training; the same for the same content."""
    digest = hashlib.sha256("\n".join(document).encode()).digest()
    return int.from_bytes(digest[:8], "big") < HELD_OUT_FRACTION * 2**64


def cut(ids: np.ndarray, *, cls_id: int, sep_id: int, pad_id: int) -> Iterator[list[int]]:
    """Rows of a document: as many tokens as there is room for between [CLS] and [SEP].

    Args:
        ids: int [tokens].
        cls_id: begins each row.
        sep_id: ends its tokens.
        pad_id: fills the last one.
    """
    room = MAX_SEQ_LENGTH - 2
    for start in range(0, len(ids), room):
        row = [cls_id, *ids[start : start + room], sep_id]
        yield row + [pad_id] * (MAX_SEQ_LENGTH - len(row))


def _run(program, text, output, *flags) -> None:
    command = [sys.executable, "-m", f"pipelines.{program}"]
    process = subprocess.run([*command, f"--input={text}", f"--output={output}", *flags])
    if process.returncode:
        raise UserError(
            f"{program}: expected it to make {output}, received exit code "
            f"{process.returncode}; see above."
        )


def _rows(documents: Sequence[Document], vocabulary) -> np.ndarray:
    """int32 [N, 128], in the order of the documents."""
    from bert_tf.data.tokenization import BertTokenizer

    tokenizer = BertTokenizer(vocabulary, lower_case=True)
    special = {
        "cls_id": vocabulary.cls_id,
        "sep_id": vocabulary.sep_id,
        "pad_id": vocabulary.pad_id,
    }
    return np.array(
        [
            row
            for document in documents
            for row in cut(tokenizer.tokenize(document).flat_values.numpy(), **special)
        ],
        np.int32,
    )


def _masked(rows: np.ndarray, vocabulary) -> dict[str, np.ndarray]:
    from bert_tf.data.masking import Masker
    from bert_tf.data.randomness import fold_in

    config = PretrainingDataConfig(
        max_seq_length=MAX_SEQ_LENGTH,
        masked_lm_prob=MASKED_LM_PROB,
        max_predictions_per_seq=MAX_PREDICTIONS_PER_SEQ,
    )
    mask = rows != vocabulary.pad_id
    streams = fold_in(np.uint64(_SEED), np.arange(len(rows), dtype=np.uint64))
    masked = Masker(config, vocabulary).mask(rows, mask.sum(axis=1), streams)
    is_prediction = np.arange(MAX_PREDICTIONS_PER_SEQ) < masked.num_predictions[:, None]
    return {
        "input_word_ids": masked.input_ids,
        "input_mask": mask.astype(np.int32),
        "input_type_ids": np.zeros_like(rows),
        "masked_lm_positions": masked.positions,
        "masked_lm_ids": masked.labels,
        "masked_lm_weights": is_prediction.astype(np.float32),
    }
