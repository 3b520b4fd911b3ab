"""Learning rates over the steps of a run."""

import keras
import tensorflow as tf

from bert_tf.config import OptimizerConfig


@keras.saving.register_keras_serializable(package="bert_tf")
class LinearWarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from 0, and linear decay to 0.

    The decay counts from step 0, as in google-research/bert's optimization.py: at the
    end of the warm-up the rate steps down to peak * (1 - warmup_steps / num_steps).
    With `first_decay_step=warmup_steps` it does not step down, as in transformers.

    Args:
        peak: what the warm-up rises to.
        warmup_steps: steps of the warm-up.
        num_steps: steps of the run; from there on the rate is 0.
        first_decay_step: where the decay would be at the peak.
    """

    def __init__(
        self, peak: float, warmup_steps: int, num_steps: int, first_decay_step: int = 0
    ):
        super().__init__()
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.num_steps = num_steps
        self.first_decay_step = first_decay_step

    def __call__(self, step):
        """The rate at `step`, a scalar, counted from 0: float32."""
        step = tf.cast(step, tf.float32)
        rising = self.peak * step / max(self.warmup_steps, 1)
        decay_steps = max(self.num_steps - self.first_decay_step, 1)
        left = tf.maximum((self.num_steps - step) / decay_steps, 0)
        falling = self.peak * left
        return tf.where(step < self.warmup_steps, rising, falling)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "num_steps": self.num_steps,
            "first_decay_step": self.first_decay_step,
        }


@keras.saving.register_keras_serializable(package="bert_tf")
class WarmupStableDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, a constant rate, and a decay by 1 - sqrt (Hägele et al. 2024).

    Args:
        peak: what the warm-up rises to.
        warmup_steps: steps of the warm-up.
        num_steps: steps of the run; from there on the rate is 0.
        decay_share: of the steps, the last ones, in which the rate falls.
    """

    def __init__(
        self, peak: float, warmup_steps: int, num_steps: int, decay_share: float
    ):
        super().__init__()
        self.peak = peak
        self.warmup_steps = warmup_steps
        # A variable, since a run that has so many minutes learns it on its way.
        self.num_steps = tf.Variable(num_steps, trainable=False, dtype=tf.int64)
        self.decay_share = decay_share

    def __call__(self, step):
        """The rate at `step`, a scalar, counted from 0: float32."""
        # The root of float32's rounding error would be seen.
        step, num_steps = (
            tf.cast(number, tf.float64) for number in (step, self.num_steps)
        )
        decay_steps = self.decay_share * num_steps
        decayed = (step - (num_steps - decay_steps)) / decay_steps
        falling = 1 - tf.sqrt(tf.clip_by_value(decayed, 0.0, 1.0))
        rising = step / max(self.warmup_steps, 1)
        rate = self.peak * tf.minimum(tf.minimum(rising, 1.0), falling)
        return tf.cast(rate, tf.float32)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "num_steps": int(self.num_steps.numpy()),
            "decay_share": self.decay_share,
        }


def make_schedule(
    config: OptimizerConfig, *, num_train_steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate of a run.

    Args:
        config: which schedule, and its constants.
        num_train_steps: where the rate reaches 0.
    """
    if config.schedule == "linear":
        return LinearWarmupDecay(
            config.learning_rate, config.warmup_steps, num_train_steps
        )
    return WarmupStableDecay(
        config.learning_rate, config.warmup_steps, num_train_steps, config.decay_share
    )
