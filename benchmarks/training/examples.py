"""Real examples for all systems: a text's, with the lengths that they have."""

import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import numpy as np

from bert_tf import cli, config
from bert_tf.errors import UserError

# By length, predictions of an example at the most: 15 %, rounded up.
NUM_PREDICTIONS = {128: 20, 512: 77}
NUM_TOKENS = 1 << 18  # places in all batches together, before they are repeated
Arrays = dict[str, np.ndarray]


def make(
    texts: Sequence[str], vocab_file: str, folder: pathlib.Path
) -> dict[int, Arrays]:
    """Makes examples of each length, as pipelines.create_pretraining_data does.

    Args:
        texts: files or globs.
        vocab_file: an uncased vocabulary.
        folder: gets `128.npz` and `512.npz`, with the examples that training would have
            first.

    Returns:
        By length, the arrays of the file, by the names of `input_pipeline.parse_masked`.

    Raises:
        UserError: the examples cannot be made; the program that makes them has told why.
    """
    lengths = ",".join(map(str, NUM_PREDICTIONS))
    predictions = ",".join(map(str, NUM_PREDICTIONS.values()))
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        data = f"{temporary}/data"
        process = subprocess.run(
            [
                *(sys.executable, "-m", "pipelines.create_pretraining_data"),
                *(f"--input={','.join(texts)}", f"--vocab_file={vocab_file}"),
                *(f"--output={data}", f"--max_seq_length={lengths}"),
                f"--max_predictions_per_seq={predictions}",
                *("--dupe_factor=1", "--held_out_fraction=0"),
            ]
        )
        if process.returncode:
            raise UserError("--input: expected examples of it, received none; see above.")
        examples = {
            length: _read(f"{data}/{length}", length) for length in NUM_PREDICTIONS
        }
    for length, arrays in examples.items():
        np.savez(path(folder, length), **arrays)
    return examples


def path(folder: pathlib.Path, length: int) -> pathlib.Path:
    """The file with the examples of a length."""
    return folder / f"{length}.npz"


def describe(arrays: Arrays) -> str:
    """How long the examples are."""
    mask = arrays["input_mask"]
    mean = mask.sum(axis=1).mean()
    return (
        f"{len(mask):,} examples of at most {mask.shape[1]} tokens, {mean:.0f} on "
        f"average: {1 - mean / mask.shape[1]:.0%} of the places are padding"
    )


def _read(data_dir: str, length: int) -> Arrays:
    cli.import_tensorflow()
    from bert_tf.data import input_pipeline, manifest

    batches = input_pipeline.train_dataset(
        manifest.load_manifest(data_dir),
        config.InputConfig(train_batch_size=NUM_TOKENS // length),
        seed=0,
    )
    return next(batches.as_numpy_iterator())
