"""Cuts the documents into splits and buckets: ranges of their keys.

A key is a digest of a document's content, so each range of keys holds a random part of
the corpus, and the same one wherever and in whatever order the documents were read.
"""

import dataclasses
import math
from collections.abc import Mapping

from bert_tf.config import PretrainingDataConfig
from bert_tf.data import manifest

TRAIN, HELD_OUT = manifest.SPLITS
# 16 MB of English text: many possible next sentences, and little memory.
TOKENS_PER_BUCKET = 4 << 20
_NUM_KEYS = 1 << 64  # of the higher half of a key


@dataclasses.dataclass(frozen=True)
class Bucket:
    """Documents that are paired with each other; one shard is made of them in a pass."""

    split: str
    number: int
    num_buckets: int  # of the split

    def shard_name(self, dupe: int, config: PretrainingDataConfig) -> str:
        """The name of the file that a pass over the bucket gives."""
        number = dupe * self.num_buckets + self.number
        total = num_passes(self.split, config) * self.num_buckets
        ending = ".tfrecord.gz" if config.gzip_compress else ".tfrecord"
        return f"{self.split}-{number:05d}-of-{total:05d}{ending}"

    def keys(self, held_out_fraction: float) -> tuple[int, int]:
        """The first key and the one after the last, by the higher half of keys."""
        first, stop = split_keys(self.split, held_out_fraction)
        bounds = (
            first + (stop - first) * number // self.num_buckets
            for number in (self.number, self.number + 1)
        )
        return tuple(bounds)


def split_keys(split: str, held_out_fraction: float) -> tuple[int, int]:
    """The first key of a split and the one after its last, whatever seed or input."""
    boundary = int(held_out_fraction * _NUM_KEYS)
    return (boundary, _NUM_KEYS) if split == TRAIN else (0, boundary)


def num_passes(split: str, config: PretrainingDataConfig) -> int:
    """How often each document is used; held-out ones once, since more only cost time."""
    return config.dupe_factor if split == TRAIN else 1


def plan_buckets(
    num_tokens: Mapping[str, int],
    *,
    held_out_fraction: float,
    num_train_buckets: int | None,
) -> list[Bucket]:
    """The buckets of both splits.

    Args:
        num_tokens: of all documents of a split, repeated ones included.
        held_out_fraction: without any, there is no held-out bucket.
        num_train_buckets: to have just as many; None: by the number of tokens.
    """
    wanted = {TRAIN: num_train_buckets, HELD_OUT: None if held_out_fraction else 0}
    buckets = []
    for split in manifest.SPLITS:
        num_buckets = wanted[split]
        if num_buckets is None:
            num_buckets = max(1, math.ceil(num_tokens[split] / TOKENS_PER_BUCKET))
        buckets += [Bucket(split, number, num_buckets) for number in range(num_buckets)]
    return buckets
