"""The training step under `keras fit`, equal on any number of replicas."""

from collections.abc import Callable

import keras
import tensorflow as tf

from bert_tf.modeling.dropout import fold_seed

# Added to every sum of weights, as the original does: a batch without any weight
# then has loss 0.
WEIGHT_EPSILON = 1e-5

WeightedSums = Callable[[dict, dict], dict[str, tuple[tf.Tensor, tf.Tensor]]]


class Trainer(keras.Model):
    """Trains a model on batches that are dictionaries of tensors.

    What stock `fit` gets wrong on several replicas is done here: sums of weights are
    added up over all replicas before anything is divided by them, and gradients
    before they are clipped. Dropout follows from (seed, step, replica), so a resumed
    run repeats it and replicas differ.

    Args:
        model: called with (batch, training=..., dropout_seed=...).
        weighted_sums: from (outputs, batch) to pairs (sum, weight) by name; those
            named `*_loss` add up to the loss. See tasks/pretraining.py.
        seed: of the dropout.
    """

    def __init__(
        self, model: keras.Model, weighted_sums: WeightedSums, *, seed: int, **kwargs
    ):
        super().__init__(**kwargs)
        self.model = model
        self.weighted_sums = weighted_sums
        self.seed = seed
        self.means: dict[str, keras.metrics.Mean] = {}
        self.built = True  # all variables are the model's, which has built itself

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The weighted means, which `fit` resets between epochs and evaluations."""
        return list(self.means.values())

    def compile(self, optimizer: keras.optimizers.Optimizer, metric_names: list[str]):
        """Builds the optimizer and a mean for each name `weighted_sums` returns.

        Call it in the strategy's scope, like the constructor.
        """
        # No XLA: it fails under MirroredStrategy and loses time on CPUs.
        super().compile(optimizer=optimizer, jit_compile=False)
        optimizer.build(self.model.trainable_variables)
        self.means = {name: keras.metrics.Mean(name=name) for name in metric_names}

    def train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step on this replica's part of the batch; returns the means so far."""
        replica = tf.distribute.get_replica_context()
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self.model(batch, training=True, dropout_seed=self._dropout_seed())
            sums = self.weighted_sums(outputs, batch)
            losses = [name for name in sums if name.endswith("_loss")]
            global_weights = replica.all_reduce(
                tf.distribute.ReduceOp.SUM,
                [tf.stop_gradient(sums[name][1]) for name in losses],
            )
            loss = tf.add_n(
                [
                    sums[name][0] / (weight + WEIGHT_EPSILON)
                    for name, weight in zip(losses, global_weights, strict=True)
                ]
            )
        # A head without an objective has none, as without next-sentence pairs.
        gradients = [
            tf.zeros(variable.shape)
            if gradient is None
            else tf.convert_to_tensor(gradient)
            for gradient, variable in zip(
                tape.gradient(loss, variables), variables, strict=True
            )
        ]
        gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self._update_means(sums)

    def test_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step of evaluation; returns the means so far."""
        return self._update_means(self.weighted_sums(self.model(batch), batch))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # A private hook of Keras: its own adds up the replicas' parts of a batch to
        # learn its shape, which fails where the parts differ in size. There is nothing
        # to build.
        pass

    def _dropout_seed(self) -> tf.Tensor:
        replica = tf.distribute.get_replica_context()
        seed = fold_seed(
            tf.constant([self.seed, 0]), tf.cast(self.optimizer.iterations, tf.int32)
        )
        return fold_seed(seed, tf.cast(replica.replica_id_in_sync_group, tf.int32))

    def _update_means(self, sums) -> dict[str, tf.Tensor]:
        for name, (total, weight) in sums.items():
            # A replica may get no example of a last, partial batch.
            mean = tf.math.divide_no_nan(total, weight)
            self.means[name].update_state(mean, sample_weight=weight)
        return {name: mean.result() for name, mean in self.means.items()}
