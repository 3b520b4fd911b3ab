"""`manifest.json`: what a folder of pretraining examples holds.

It is written last, so a folder without one is incomplete and readers refuse it.
"""

import dataclasses
import json
import os
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert_tf.config import PretrainingDataConfig
from bert_tf.errors import UserError
from bert_tf.files import sha256

SCHEMA_VERSION = 2
MANIFEST_NAME = "manifest.json"
VOCABULARY_NAME = "vocab.txt"
SPLITS = ("train", "held_out")


@dataclasses.dataclass(frozen=True)
class Shard:
    """One TFRecord file."""

    name: str  # in the folder of the manifest
    num_examples: int
    num_bytes: int
    sha256: str  # 64 hexadecimal digits


@dataclasses.dataclass(frozen=True)
class Sample:
    """An example for people to look at, without its padding."""

    tokens: tuple[str, ...]  # as the model is given them, masked
    second_start: int  # index of the second segment's first token; their number if none
    positions: tuple[int, ...]  # indexes of the tokens to predict, ascending
    labels: tuple[str, ...]  # the tokens that were there
    is_random_next: bool | None  # None without next-sentence pairs


@dataclasses.dataclass(frozen=True)
class Split:
    """The training examples, or those held out to measure with.

    Of the histograms, `example_tokens` has at index n how many examples have n tokens;
    `sentence_tokens` and `document_tokens` have at index i how many have from 2**i to
    2**(i + 1) - 1.
    """

    shards: tuple[Shard, ...]
    num_buckets: int  # groups of documents among which next sentences were drawn
    counts: Mapping[str, int]  # see bert_tf.data.examples.COUNTS
    random_next_share: float | None  # of all examples; None without pairs
    padding_share: float | None  # of all tokens; None without examples
    repeated_sentence_share: float | None  # of all sentences, estimated from a sample
    histograms: Mapping[str, tuple[int, ...]]
    frequent_words: tuple[tuple[str, int], ...]  # that are one token, most frequent first
    samples: tuple[Sample, ...]


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The text files that were read."""

    num_files: int
    num_bytes: int  # as stored, perhaps compressed
    digest: str  # of their paths, sizes and times of change


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A complete data set; `data_dir` is where it was loaded from, not in the file."""

    data_dir: str
    config: PretrainingDataConfig
    vocab_digest: str  # Vocabulary.digest
    vocab_size: int
    splits: Mapping[str, Split]  # train, held_out
    bad_documents: Mapping[str, int]  # how many for each reason
    inputs: Inputs
    baselines: Mapping[str, float]  # see held_out_baselines
    versions: Mapping[str, str]  # of the tools

    def split_paths(self, split: str) -> list[str]:
        """The paths of the shards of `train` or `held_out`, in order."""
        return [
            os.path.join(self.data_dir, shard.name) for shard in self.splits[split].shards
        ]

    @property
    def vocab_path(self) -> str:
        """The path of the vocabulary, beside the shards."""
        return os.path.join(self.data_dir, VOCABULARY_NAME)

    def num_examples(self, split: str) -> int:
        """How many examples `train` or `held_out` has."""
        return sum(shard.num_examples for shard in self.splits[split].shards)

    def to_json(self) -> str:
        """The content of `manifest.json`."""
        content = dataclasses.asdict(self)
        del content["data_dir"]
        return json.dumps({"schema_version": SCHEMA_VERSION} | content, indent=2) + "\n"


def load_manifest(data_dir: str) -> Manifest:
    """Reads the manifest of a data set and checks that the shards are there.

    Args:
        data_dir: the folder that create_pretraining_data wrote, on any file system that
            TensorFlow knows.

    Raises:
        UserError: there is no such folder, no manifest in it, one of another version or
            damaged, or a shard is missing or has another size than the manifest says.
    """
    if not tf.io.gfile.isdir(data_dir):
        raise UserError(
            "Expected the folder that create_pretraining_data wrote, received "
            f"{data_dir!r}, which does not exist; check the path."
        )
    path = os.path.join(data_dir, MANIFEST_NAME)
    if not tf.io.gfile.exists(path):
        raise UserError(
            f"Expected {MANIFEST_NAME} in {data_dir!r}, received an incomplete data set "
            "without it; run create_pretraining_data again."
        )
    with tf.io.gfile.GFile(path) as file:
        manifest = parse_manifest(file.read(), data_dir)
    paths = [path for split in SPLITS for path in manifest.split_paths(split)]
    num_bytes = {
        os.path.basename(path): tf.io.gfile.stat(path).length
        for path in paths
        if tf.io.gfile.exists(path)
    }
    check_shards(manifest, num_bytes)
    return manifest


def parse_manifest(text: str, data_dir: str) -> Manifest:
    """Reads the content of a `manifest.json`.

    Args:
        text: all of the file.
        data_dir: the folder that it is in.

    Raises:
        UserError: it is of another version or damaged.
    """
    try:
        return _from_content(json.loads(text), data_dir)
    except UserError:
        raise
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise UserError(
            f"Expected a manifest, received something else in {data_dir!r}/"
            f"{MANIFEST_NAME} ({error}); run create_pretraining_data --overwrite."
        ) from error


def _from_content(content: dict, data_dir: str) -> Manifest:
    version = content.pop("schema_version")
    if version != SCHEMA_VERSION:
        raise UserError(
            f"Expected a data set of schema version {SCHEMA_VERSION}, received version "
            f"{version} in {data_dir!r}; run create_pretraining_data --overwrite."
        )
    splits = {name: _split(**split) for name, split in content["splits"].items()}
    return Manifest(
        **content
        | {
            "data_dir": data_dir,
            "config": PretrainingDataConfig(**content["config"]),
            "splits": splits,
            "inputs": Inputs(**content["inputs"]),
        }
    )


def _split(*, shards, histograms, frequent_words, samples, **rest) -> Split:
    return Split(
        shards=tuple(Shard(**shard) for shard in shards),
        histograms={name: tuple(counts) for name, counts in histograms.items()},
        frequent_words=tuple((word, count) for word, count in frequent_words),
        samples=tuple(
            Sample(**{k: tuple(v) if isinstance(v, list) else v for k, v in each.items()})
            for each in samples
        ),
        **rest,
    )


def check_shards(manifest: Manifest, num_bytes: Mapping[str, int]) -> None:
    """Checks that the shards of a data set are there as a whole.

    Args:
        manifest: of the data set.
        num_bytes: of the files in its folder, by their names.

    Raises:
        UserError: a shard is missing or has another size than the manifest says.
    """
    for split in manifest.splits.values():
        for shard in split.shards:
            found = num_bytes.get(shard.name, "no file")
            if found != shard.num_bytes:
                raise UserError(
                    f"{os.path.join(manifest.data_dir, shard.name)}: expected "
                    f"{shard.num_bytes} bytes, received {found}; copy the whole folder "
                    "again, or run create_pretraining_data --overwrite."
                )


def damaged_shards(manifest: Manifest) -> list[str]:
    """The paths of the shards whose content is not what was written; reads them all."""
    return [
        path
        for name, split in manifest.splits.items()
        for shard, path in zip(split.shards, manifest.split_paths(name), strict=True)
        if sha256(path) != shard.sha256
    ]


def held_out_baselines(
    *,
    train_labels: np.ndarray,
    held_out_labels: np.ndarray,
    num_random_next: int | None,
    num_examples: int,
) -> dict[str, float]:
    """What a model must beat on the held-out examples to have learnt anything.

    Args:
        train_labels: [V] int64, how often each token is to be predicted in training.
        held_out_labels: [V] int64, the same for the held-out examples.
        num_random_next: held-out examples with a random next segment; None without
            pairs.
        num_examples: all held-out examples.

    Returns:
        `masked_lm_accuracy` of always predicting the most frequent token of training;
        `masked_lm_perplexity` of predicting each token by how often it was in training,
        add-one smoothed; for pairs `next_sentence_accuracy` of always giving the more
        frequent answer. Empty without held-out examples.
    """
    num_labels = int(held_out_labels.sum())
    if not num_labels:
        return {}
    smoothed = train_labels + 1.0
    log_probabilities = np.log(smoothed / smoothed.sum())
    cross_entropy = -float(held_out_labels @ log_probabilities) / num_labels
    most_frequent = int(np.argmax(train_labels))
    baselines = {
        "masked_lm_accuracy": int(held_out_labels[most_frequent]) / num_labels,
        "masked_lm_perplexity": float(np.exp(cross_entropy)),
    }
    if num_random_next is not None:
        share = num_random_next / num_examples
        baselines["next_sentence_accuracy"] = max(share, 1 - share)
    return baselines
