"""What can be told of a whole corpus from small, mergeable summaries of its parts."""

import dataclasses
from typing import Self

import numpy as np

_NUM_HASHES = 4096


@dataclasses.dataclass(frozen=True)
class HashSketch:
    """How often things come that have the smallest hashes: a fair sample by content.

    Whether a thing is in it depends on its hash alone, so that all its repetitions are
    in it or none, wherever in the corpus they are.

    Source: Beyer et al. 2007, "On synopses for distinct-value estimation under multiset
    operations" (KMV).
    """

    hashes: np.ndarray  # uint64 [up to 4096], ascending
    counts: np.ndarray  # int64, how often each came

    @classmethod
    def of(cls, hashes: np.ndarray) -> Self:
        """The sketch of things with some hashes, uint64 [N]."""
        return cls._smallest(hashes, np.ones(len(hashes), np.int64))

    @classmethod
    def empty(cls) -> Self:
        """The sketch of nothing."""
        return cls.of(np.empty(0, np.uint64))

    @classmethod
    def _smallest(cls, hashes: np.ndarray, counts: np.ndarray) -> Self:
        distinct, inverse = np.unique(hashes, return_inverse=True)
        sums = np.zeros(len(distinct), np.int64)
        np.add.at(sums, inverse, counts)
        return cls(distinct[:_NUM_HASHES], sums[:_NUM_HASHES])

    def __add__(self, other: Self) -> Self:
        return self._smallest(
            np.concatenate([self.hashes, other.hashes]),
            np.concatenate([self.counts, other.counts]),
        )

    @property
    def repeated_share(self) -> float | None:
        """The share of things that had come before; None of nothing."""
        total = int(self.counts.sum())
        return 1 - len(self.hashes) / total if total else None
