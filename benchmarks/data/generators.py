"""The generators that are compared, all set to the same work.

128 tokens, at most 20 predictions of 15 %, 10 % short sequences, no whole words, each
text used once: what is not said here is every generator's default.
"""

import dataclasses
import functools
import json
import pathlib
import re
import sys
from collections.abc import Callable

from benchmarks import environments

OURS = "bert_tf"
OURS_DYNAMIC = "bert_tf, dynamic masks"
OURS_TWO_WORKERS = "bert_tf, 2 worker processes"
OURS_REPEATED = {factor: f"bert_tf, text used {factor} times" for factor in (2, 5)}
MODEL_GARDEN = "Model Garden"
HUGGING_FACE = "Hugging Face datasets + tokenizers"
_SAME_WORK = ("--max_seq_length=128", "--max_predictions_per_seq=20", "--dupe_factor=1")


@dataclasses.dataclass(frozen=True)
class Counts:
    """What a generator has written."""

    num_examples: int
    num_predictions: int | None  # masked tokens; None where they are not counted
    num_bytes: int


@dataclasses.dataclass(frozen=True)
class Generator:
    """One way to make pretraining data."""

    name: str
    command: Callable[[pathlib.Path, pathlib.Path], list[str]]  # text, folder to write
    count: Callable[[pathlib.Path], Counts]  # what is in that folder
    text_megabytes: float
    num_cores: int = 1
    is_read: bool = False  # whether it is measured too how fast its examples are read

    @property
    def file_name(self) -> str:
        """The name without what a path should not have."""
        return re.sub(r"\W+", "-", self.name)


def contestants(
    *,
    vocab_file: str,
    folder: pathlib.Path,
    text_megabytes: float,
    hugging_face_megabytes: float,
    model_garden_megabytes: float,
) -> list[Generator]:
    """All that take turns, ours first.

    Args:
        vocab_file: an uncased vocabulary, for all of them.
        folder: has the peers' virtual environments in it.
        text_megabytes: for a run of ours.
        hugging_face_megabytes: for a run of Hugging Face's.
        model_garden_megabytes: for a run of Model Garden's.

    Raises:
        UserError: an environment is missing.
    """
    ours = functools.partial(
        _ours, vocab_file=vocab_file, text_megabytes=text_megabytes, num_cores=1
    )
    model_garden_python, hugging_face_python = (
        environments.python(folder, name, target="bench-data")
        for name in ("model_garden", "hugging_face")
    )
    return [
        ours(OURS, is_read=True),
        ours(OURS_DYNAMIC, "--masking=dynamic", is_read=True),
        Generator(
            HUGGING_FACE,
            lambda text, output: [
                *(hugging_face_python, "-m", "benchmarks.peers.hugging_face"),
                *(str(text), vocab_file, str(output)),
            ],
            _count_hugging_face,
            hugging_face_megabytes,
        ),
        Generator(
            MODEL_GARDEN,
            lambda text, output: [
                *(model_garden_python, "-m", "official.nlp.data.create_pretraining_data"),
                *(f"--input_file={text}", f"--output_file={output}/train.tfrecord"),
                *(f"--vocab_file={vocab_file}", "--use_v2_feature_names", *_SAME_WORK),
            ],
            _count_tfrecords,
            model_garden_megabytes,
        ),
        *(
            ours(name, f"--dupe_factor={factor}")
            for factor, name in OURS_REPEATED.items()
        ),
    ]


def one_and_two_workers(vocab_file: str, *, text_megabytes: float) -> list[Generator]:
    """Ours in one process, and in two on two processor cores."""
    return [
        _ours(OURS, vocab_file=vocab_file, text_megabytes=text_megabytes, num_cores=1),
        _ours(
            OURS_TWO_WORKERS,
            "--direct_running_mode=multi_processing",
            "--direct_num_workers=2",
            vocab_file=vocab_file,
            text_megabytes=text_megabytes,
            num_cores=2,
        ),
    ]


def _ours(
    name: str,
    *extra_flags: str,
    vocab_file: str,
    text_megabytes: float,
    num_cores: int,
    is_read: bool = False,
) -> Generator:
    return Generator(
        name,
        lambda text, output: [
            *(sys.executable, "-m", "pipelines.create_pretraining_data"),
            *(f"--input={text}", f"--output={output}", f"--vocab_file={vocab_file}"),
            *("--held_out_fraction=0", *_SAME_WORK),
            *extra_flags,  # the last of two equal flags counts
        ],
        _count_ours,
        text_megabytes,
        num_cores,
        is_read,
    )


def _count_ours(output: pathlib.Path) -> Counts:
    manifest = json.loads((output / "manifest.json").read_text())
    counts = manifest["splits"]["train"]["counts"]
    return dataclasses.replace(
        _count_tfrecords(output), num_predictions=counts["predictions"]
    )


def _count_tfrecords(output: pathlib.Path) -> Counts:
    shards = list(output.glob("*.tfrecord"))
    return Counts(
        num_examples=sum(map(_num_records, shards)),
        num_predictions=None,
        num_bytes=sum(shard.stat().st_size for shard in shards),
    )


def _num_records(path: pathlib.Path) -> int:
    """Of a TFRecord file: each has 8 bytes of length, 4, itself, and 4."""
    num_records = 0
    with path.open("rb") as file:
        while header := file.read(12):
            file.seek(int.from_bytes(header[:8], "little") + 4, 1)
            num_records += 1
    return num_records


def _count_hugging_face(output: pathlib.Path) -> Counts:
    return Counts(
        **json.loads((output / "counts.json").read_text()),
        num_bytes=(output / "examples.arrow").stat().st_size,
    )
