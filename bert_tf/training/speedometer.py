"""How fast a run trains, and how much of the machine's arithmetic it uses."""

import time

import tensorflow as tf

from bert_tf.config import BertConfig
from bert_tf.modeling.flops import training_flops
from bert_tf.training.trainer import Trainer

_PRODUCT_SIZE = 2048
_NUM_PRODUCTS = 4


class Speedometer:
    """Reads a trainer's totals; each reading is of the steps since the last one.

    Args:
        trainer: counts seconds, tokens, rows and predictions.
        config: of its model.
        peak_flops: operations a second that the machine can do.
    """

    def __init__(self, trainer: Trainer, config: BertConfig, *, peak_flops: float):
        self._trainer = trainer
        self._config = config
        self._peak_flops = peak_flops
        self._last = self._read()

    def lap(self) -> dict[str, float]:
        """Reads and starts anew.

        Returns:
            `tokens_per_second`, padding not counted; `input_share`, the share of the
            time in which steps waited for their batches; `utilization`, the share of
            `peak_flops`. Empty if there was no step.
        """
        now = self._read()
        past = {name: value - self._last[name] for name, value in now.items()}
        self._last = now
        if not past["seconds"]:
            return {}
        flops = training_flops(
            self._config,
            num_tokens=past["tokens"],
            num_rows=past["rows"],
            num_predictions=past["predictions"],
        )
        return {
            "tokens_per_second": past["tokens"] / past["seconds"],
            "input_share": past["input_seconds"] / past["seconds"],
            "utilization": flops / past["seconds"] / self._peak_flops,
        }

    def _read(self) -> dict[str, float]:
        nothing = (0.0, 0.0)
        sums = self._trainer.totals.sums
        tokens, rows = sums.get("tokens_per_row", nothing)
        return {
            "tokens": tokens,
            "rows": rows,
            "predictions": sums.get("masked_lm_loss", nothing)[1],
            "seconds": self._trainer.seconds,
            "input_seconds": self._trainer.input_seconds,
        }


def measure_peak_flops(dtype: str) -> float:
    """Operations a second of a large product of matrices on the default device.

    Args:
        dtype: of the matrices.
    """
    x = tf.random.stateless_normal([_PRODUCT_SIZE, _PRODUCT_SIZE], seed=[0, 0])
    x = tf.cast(x, dtype)
    product = tf.function(tf.matmul, autograph=False)
    product(x, x).numpy()  # warms up
    best = float("inf")
    for _ in range(_NUM_PRODUCTS):
        start = time.perf_counter()
        product(x, x)[0, 0].numpy()
        best = min(best, time.perf_counter() - start)
    return 2 * _PRODUCT_SIZE**3 / best
