"""Learning rates over the steps of a run."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="bert_tf")
class LinearWarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from 0, then the linear decay to 0 of a run that had none.

    The decay counts from step 0, as in google-research/bert's optimization.py: at the
    end of the warm-up the rate steps down to peak * (1 - warmup_steps / num_steps).

    Args:
        peak: what the warm-up rises to.
        warmup_steps: steps of the warm-up.
        num_steps: steps of the run; from there on the rate is 0.
    """

    def __init__(self, peak: float, warmup_steps: int, num_steps: int):
        super().__init__()
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.num_steps = num_steps

    def __call__(self, step):
        """The rate at `step`, a scalar, counted from 0: float32."""
        step = tf.cast(step, tf.float32)
        rising = self.peak * step / max(self.warmup_steps, 1)
        falling = self.peak * tf.maximum(1 - step / self.num_steps, 0)
        return tf.where(step < self.warmup_steps, rising, falling)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "num_steps": self.num_steps,
        }
