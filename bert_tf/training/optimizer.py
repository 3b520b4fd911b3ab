"""The optimizers BERT is trained with, for gradients that are sums over all replicas."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from bert_tf.config import OptimizerConfig

NOT_DECAYED = ("bias", "layer_norm")
# float16 overflows above 65504: losses are multiplied by a scale that is halved when a
# gradient has overflowed and doubled after so many steps without.
FIRST_LOSS_SCALE = 2.0**15
STEPS_TO_DOUBLE_LOSS_SCALE = 2000


class SummedGradientsOptimizer(keras.optimizers.Optimizer):
    """Applies gradients that are summed over the replicas already.

    So `global_clipnorm` sees the gradient of the whole batch, and one overflow anywhere
    is an overflow everywhere. Keras would clip each replica's own and sum afterwards,
    and look for overflows on the first replica alone.

    Args:
        learning_rate: a float or a schedule.
        weight_decay: share of a variable that a step of rate 1 takes away. Variables
            with one of `NOT_DECAYED` in their paths keep all.
        dynamic_loss_scale: whether losses are scaled; needed for float16.
        rate_factor: of the learning rate of a variable, from its path.
        **kwargs: of keras.optimizers.Optimizer, such as global_clipnorm.
    """

    def __init__(
        self,
        learning_rate,
        *,
        weight_decay: float = 0.0,
        dynamic_loss_scale: bool = False,
        rate_factor: Callable[[str], float] = lambda path: 1.0,
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, weight_decay=weight_decay, **kwargs)
        self.dynamic_loss_scale = dynamic_loss_scale
        self.rate_factor = rate_factor
        self._slots: list[list[keras.Variable]] = []
        self._loss_scale = self._good_steps = None

    def build(self, variables: list[keras.Variable]) -> None:
        """Creates what the update of each variable remembers, and the loss scale."""
        if self.built:
            return
        super().build(variables)
        self._slots = self.add_slots(variables)
        self._is_decayed = [is_decayed(variable.path) for variable in variables]
        self._rate_factors = [self.rate_factor(variable.path) for variable in variables]
        if self.dynamic_loss_scale:
            self._loss_scale = self._scalar("loss_scale", FIRST_LOSS_SCALE, "float32")
            self._good_steps = self._scalar("good_steps", 0, "int32")

    def add_slots(self, variables: list[keras.Variable]) -> list[list[keras.Variable]]:
        """Lists of optimizer variables, each with one for every variable."""
        return []

    def update(
        self,
        gradient: tf.Tensor,
        variable: tf.Variable,
        slots: list[tf.Variable],
        *,
        learning_rate: tf.Tensor,
        weight_decay: float,
        is_finite: tf.Tensor,
    ) -> None:
        """Updates one variable and its slots.

        Args:
            gradient: clipped; 0 if any gradient was not finite.
            variable: to change.
            slots: its own of `add_slots`.
            learning_rate: float32 scalar; 0 if any gradient was not finite.
            weight_decay: 0 if the variable is not to be decayed.
            is_finite: whether all gradients were; if not, slots are to stay.
        """
        raise NotImplementedError

    def scale_loss(self, loss: tf.Tensor) -> tf.Tensor:
        """The loss to differentiate."""
        return loss if self._loss_scale is None else loss * self._loss_scale

    def apply(
        self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable]
    ) -> tf.Tensor:
        """Clips, updates all variables and counts the step.

        A step whose gradients are not finite changes nothing but the loss scale; without
        one it goes on to spoil the weights, which the caller has to notice.

        Args:
            grads: of the scaled loss, summed over the replicas.
            trainable_variables: in the order of `build`.

        Returns:
            The norm of all gradients together before clipping, a scalar.
        """
        scale = 1.0 if self._loss_scale is None else self._loss_scale
        norm = tf.linalg.global_norm(grads) / scale
        factor = 1.0 / scale
        if self.global_clipnorm:
            factor *= self.global_clipnorm / tf.maximum(norm, self.global_clipnorm)
        is_finite = tf.constant(True)
        learning_rate = tf.cast(self.learning_rate, tf.float32)
        if self._loss_scale is not None:
            is_finite = tf.math.is_finite(norm)
            factor, learning_rate = (
                tf.where(is_finite, value, 0.0) for value in (factor, learning_rate)
            )
            self._adapt_loss_scale(is_finite)
        grads = [tf.math.multiply_no_nan(gradient, factor) for gradient in grads]

        def update_all(strategy, *arguments):
            for number, (gradient, variable) in enumerate(
                zip(arguments[:-2], trainable_variables, strict=True)
            ):
                strategy.extended.update(
                    variable.value,
                    self._update_one,
                    args=(gradient, number, *arguments[-2:]),
                    group=False,
                )

        # As Keras' own optimizers do; some strategies update where they compute.
        tf.__internal__.distribute.interim.maybe_merge_call(
            update_all,
            tf.distribute.get_strategy(),
            *grads,
            learning_rate,
            is_finite,
        )
        self.iterations.assign_add(1)
        return norm

    def _update_one(self, variable, gradient, number, learning_rate, is_finite):
        self.update(
            tf.cast(gradient, variable.dtype),
            variable,
            [slots[number].value for slots in self._slots],
            learning_rate=learning_rate * self._rate_factors[number],
            weight_decay=self.weight_decay if self._is_decayed[number] else 0.0,
            is_finite=is_finite,
        )

    def _scalar(self, name, value, dtype):
        return self.add_variable(
            shape=(),
            initializer=keras.initializers.Constant(value),
            dtype=dtype,
            aggregation="only_first_replica",  # it is the same on all
            name=name,
        )

    def _adapt_loss_scale(self, is_finite):
        good_steps = tf.where(is_finite, self._good_steps + 1, 0)
        is_time = tf.equal(good_steps, STEPS_TO_DOUBLE_LOSS_SCALE)
        change = tf.where(is_finite, tf.where(is_time, 2.0, 1.0), 0.5)
        self._loss_scale.assign(tf.maximum(self._loss_scale * change, 1.0))
        self._good_steps.assign(tf.where(is_time, 0, good_steps))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {"dynamic_loss_scale": self.dynamic_loss_scale}


class MomentsOptimizer(SummedGradientsOptimizer):
    """Has the running means of gradients and of their squares.

    Args:
        learning_rate: a float or a schedule.
        beta_1: decay of the mean of gradients.
        beta_2: decay of the mean of squared gradients.
        epsilon: added to the root of the mean square.
        bias_correction: whether the means are corrected for having begun at 0.
        **kwargs: of SummedGradientsOptimizer.
    """

    def __init__(
        self,
        learning_rate,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        bias_correction: bool = True,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.bias_correction = bias_correction

    def add_slots(self, variables: list[keras.Variable]) -> list[list[keras.Variable]]:
        """The two means of every variable."""
        return self.add_optimizer_variables(variables, ["adam_m", "adam_v"])

    def corrections(self) -> tuple[tf.Tensor, tf.Tensor]:
        """What the two means are to be divided by, float32 scalars."""
        if not self.bias_correction:
            return tf.constant(1.0), tf.constant(1.0)
        step = tf.cast(self.iterations, tf.float32) + 1
        return 1 - tf.pow(self.beta_1, step), 1 - tf.pow(self.beta_2, step)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "bias_correction": self.bias_correction,
        }


@keras.saving.register_keras_serializable(package="bert_tf")
class AdamW(MomentsOptimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g^2
        x = x - learning_rate * (m' / (sqrt(v') + epsilon) + weight_decay * x)

    where m' and v' are m and v, or corrected for their bias. Without the correction it
    is google-research/bert's optimization.py.
    """

    def update(
        self, gradient, variable, slots, *, learning_rate, weight_decay, is_finite
    ):
        """See SummedGradientsOptimizer."""
        mean, mean_square = slots
        if weight_decay:
            variable.assign(variable * (1 - learning_rate * weight_decay))
        mean_correction, square_correction = self.corrections()
        root = tf.sqrt(square_correction)
        # One pass over memory instead of ten. Its own correction is off with powers of
        # 0: it would not scale epsilon as the paper does.
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=mean.handle,
            v=mean_square.handle,
            beta1_power=0.0,
            beta2_power=0.0,
            lr=learning_rate * root / mean_correction,
            beta1=tf.where(is_finite, self.beta_1, 1.0),
            beta2=tf.where(is_finite, self.beta_2, 1.0),
            epsilon=self.epsilon * root,
            grad=gradient,
        )


@keras.saving.register_keras_serializable(package="bert_tf")
class Lamb(MomentsOptimizer):
    """Layerwise adaptation for large batches (You et al. 2020, algorithm 2).

        r = m' / (sqrt(v') + epsilon) + weight_decay * x
        x = x - learning_rate * |x| / |r| * r

    with m' and v' of AdamW. Where nothing is decayed, and where a norm is 0, the ratio of
    norms is 1.
    """

    def update(
        self, gradient, variable, slots, *, learning_rate, weight_decay, is_finite
    ):
        """See SummedGradientsOptimizer."""
        mean, mean_square = slots
        beta_1, beta_2 = (
            tf.where(is_finite, beta, 1.0) for beta in (self.beta_1, self.beta_2)
        )
        mean.assign_add((gradient - mean) * (1 - beta_1))
        mean_square.assign_add((tf.square(gradient) - mean_square) * (1 - beta_2))
        mean_correction, square_correction = self.corrections()
        step = (mean / mean_correction) / (
            tf.sqrt(mean_square / square_correction) + self.epsilon
        )
        if weight_decay:
            step += weight_decay * variable
            norms = tf.norm(variable), tf.norm(step)
            learning_rate *= tf.where(
                tf.reduce_min(norms) > 0, tf.math.divide_no_nan(*norms), 1.0
            )
        variable.assign_sub(learning_rate * step)


def is_decayed(path: str) -> bool:
    """Whether weight decay takes from the variable of this path."""
    return not any(name in path for name in NOT_DECAYED)


def make_optimizer(
    config: OptimizerConfig,
    learning_rate: keras.optimizers.schedules.LearningRateSchedule,
    *,
    dynamic_loss_scale: bool,
    rate_factor: Callable[[str], float] = lambda path: 1.0,
) -> SummedGradientsOptimizer:
    """The optimizer of a run.

    Args:
        config: which one, and its constants.
        learning_rate: over the steps; see schedules.py.
        dynamic_loss_scale: whether losses are scaled; needed for float16.
        rate_factor: of the learning rate of a variable, from its path.
    """
    return {"adamw": AdamW, "lamb": Lamb}[config.name](
        learning_rate,
        beta_1=config.beta_1,
        beta_2=config.beta_2,
        epsilon=config.epsilon,
        bias_correction=config.bias_correction,
        weight_decay=config.weight_decay,
        global_clipnorm=config.clip_norm,
        dynamic_loss_scale=dynamic_loss_scale,
        rate_factor=rate_factor,
        name="optimizer",  # its variables are saved under it
    )
