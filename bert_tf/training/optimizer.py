"""The optimizer BERT was trained with."""

import keras
import tensorflow as tf

from bert_tf.config import OptimizerConfig
from bert_tf.training.schedules import LinearWarmupDecay

NOT_DECAYED = ("bias", "layer_norm")


@keras.saving.register_keras_serializable(package="bert_tf")
class BertAdamW(keras.optimizers.Optimizer):
    """AdamW without bias correction, as in google-research/bert's optimization.py.

        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g^2
        x = x - learning_rate * (m / (sqrt(v) + epsilon) + weight_decay * x)

    Gradients have to be summed over the replicas before they are applied, so that
    `global_clipnorm` sees the gradient of the whole batch. Keras would clip each
    replica's own and sum afterwards.

    Args:
        learning_rate: a float or a schedule.
        beta_1: decay of the mean of gradients.
        beta_2: decay of the mean of squared gradients.
        epsilon: added to the root of the mean square.
        **kwargs: of keras.optimizers.Optimizer: weight_decay, global_clipnorm.
    """

    def __init__(
        self, learning_rate, *, beta_1=0.9, beta_2=0.999, epsilon=1e-6, **kwargs
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, var_list):
        """Creates the two means of every variable in `var_list`."""
        if self.built:
            return
        super().build(var_list)
        self._means, self._mean_squares = self.add_optimizer_variables(
            var_list, ["adam_m", "adam_v"]
        )

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable and its means; Keras has decayed it before."""
        index = self._get_variable_index(variable)
        mean, mean_square = self._means[index], self._mean_squares[index]
        gradient = tf.cast(gradient, variable.dtype)
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(
            mean_square, (tf.square(gradient) - mean_square) * (1 - self.beta_2)
        )
        self.assign_sub(
            variable,
            tf.cast(learning_rate, variable.dtype)
            * mean
            / (tf.sqrt(mean_square) + self.epsilon),
        )

    def _all_reduce_sum_gradients(self, grads_and_vars):
        # A private hook of Keras: its own would sum the replicas' sums once more.
        return list(grads_and_vars)

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }


def make_optimizer(config: OptimizerConfig, *, num_train_steps: int) -> BertAdamW:
    """The optimizer of a run, with warm-up, decay, clipping and exclusions.

    Args:
        config: the rates.
        num_train_steps: where the learning rate reaches 0.

    Returns:
        An optimizer that decays neither biases nor LayerNorm.
    """
    optimizer = BertAdamW(
        LinearWarmupDecay(config.learning_rate, config.warmup_steps, num_train_steps),
        beta_1=config.beta_1,
        beta_2=config.beta_2,
        epsilon=config.epsilon,
        weight_decay=config.weight_decay,
        global_clipnorm=config.clip_norm,
        name="optimizer",  # its variables are saved under it
    )
    optimizer.exclude_from_weight_decay(var_names=list(NOT_DECAYED))
    return optimizer
