"""Weighted means over the steps of an epoch."""

import tensorflow as tf

# By name: a sum and the weight to divide it by.
WeightedSums = dict[str, tuple[tf.Tensor, tf.Tensor]]


class RunningMeans:
    """Sums and weights, added up in Python's floats.

    Keras' metrics would hold a part on each replica in variables that only all workers
    together can read, as for a checkpoint.
    """

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Forgets all sums."""
        self.sums: dict[str, list[float]] = {}

    def add(self, step: dict[str, tuple[float, float]]) -> None:
        """Adds the sums and weights of a step."""
        for name, (value, weight) in step.items():
            total = self.sums.setdefault(name, [0.0, 0.0])
            total[0] += value
            total[1] += weight

    def result(self) -> dict[str, float]:
        """The means so far; 0 where nothing had a weight."""
        return {
            name: total / weight if weight else 0.0
            for name, (total, weight) in self.sums.items()
        }
