"""The training step under `keras fit`, equal on any number of replicas and workers."""

import time
from collections.abc import Callable, Iterator
from typing import Protocol

import keras
import tensorflow as tf

from bert_tf.modeling.dropout import fold_seed
from bert_tf.training.means import RunningMeans, WeightedSums

# Added to every sum of weights, as the original does: a batch without any weight
# then has loss 0.
WEIGHT_EPSILON = 1e-5

Batch = dict[str, tf.Tensor]


class Objective(Protocol):
    """What is minimised and measured; see bert_tf/tasks/pretraining.py."""

    def loss_weights(self, batch: Batch) -> dict[str, tf.Tensor]:
        """The sum of weights by which each loss of a batch is to be divided."""

    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """Pairs (sum, weight) by name; those of `loss_weights` add up to the loss."""


class Trainer(keras.Model):
    """Trains a model on batches that are dictionaries of tensors.

    What stock `fit` gets wrong on several replicas is done here: sums of weights are
    added up over all replicas before anything is divided by them, and gradients
    before they are clipped. Dropout follows from (seed, step, replica, microbatch), so
    a resumed run repeats it and replicas differ.

    Args:
        model: called with (batch, training=..., dropout_seed=...).
        objective: of the training.
        seed: of the dropout.
        num_microbatches: parts of a batch whose gradients are added up before one
            update, so that activations of one part at a time take memory.
        trim: leaves out of a part what is padding in all of its rows.

    Attributes:
        means: of the epoch or the evaluation so far.
        totals: of all steps of training but those that were the first of their shapes.
        seconds: that these took.
        input_seconds: of these, waiting for batches.
    """

    def __init__(
        self,
        model: keras.Model,
        objective: Objective,
        *,
        seed: int,
        num_microbatches: int = 1,
        trim: Callable[[Batch], Batch] = lambda batch: batch,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.model = model
        self.objective = objective
        self.seed = seed
        self.num_microbatches = num_microbatches
        self.trim = trim
        self.means = RunningMeans()
        self.totals = RunningMeans()
        self.seconds = self.input_seconds = 0.0
        self.built = True  # all variables are the model's, which has built itself

    def compile(self, optimizer: keras.optimizers.Optimizer):
        """Builds the optimizer. Call it in the strategy's scope, like the constructor."""
        # No XLA for the whole: it fails under MirroredStrategy and loses time on CPUs.
        super().compile(optimizer=optimizer, jit_compile=False)
        optimizer.build(self.model.trainable_variables)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """None: Keras' own mean of the loss would be read from all workers each epoch."""
        return []

    def reset_metrics(self):
        """Forgets the means; `fit` does it between epochs and evaluations."""
        self.means.reset()

    def train_step(self, batch: Batch) -> WeightedSums:
        """One step on this replica's part of the batch; returns sums over all of it."""
        replica = tf.distribute.get_replica_context()
        weights = replica.all_reduce(
            tf.distribute.ReduceOp.SUM, self.objective.loss_weights(batch)
        )
        gradients, sums = self._gradients(batch, weights)
        gradients, sums = replica.all_reduce(
            tf.distribute.ReduceOp.SUM, (gradients, sums)
        )
        norm = self.optimizer.apply(gradients, self.model.trainable_variables)
        # Of float16, the norm of a step that is skipped is infinite.
        is_finite = tf.math.is_finite(norm)
        norm = tf.where(is_finite, norm, 0.0)
        return sums | {"gradient_norm": (norm, tf.cast(is_finite, tf.float32))}

    def test_step(self, batch: Batch) -> WeightedSums:
        """One step of evaluation; returns sums over all replicas' parts of the batch."""
        sums = self.objective.weighted_sums(self.model(batch), batch)
        return tf.distribute.get_replica_context().all_reduce(
            tf.distribute.ReduceOp.SUM, sums
        )

    def make_train_function(self, force: bool = False) -> Callable[[Iterator], dict]:
        """What `fit` calls with its iterator for each step."""
        if force or self.train_function is None:
            self.train_function = self._make_function(self.train_step, counted=True)
        return self.train_function

    def make_test_function(self, force: bool = False) -> Callable[[Iterator], dict]:
        """What `evaluate` calls with its iterator for each step."""
        if force or self.test_function is None:
            self.test_function = self._make_function(self.test_step, counted=False)
        return self.test_function

    def _make_function(self, step: Callable[[Batch], WeightedSums], *, counted: bool):
        # Keras' own reduces what the replicas return in a way that fails with several
        # workers, and takes the batch inside of the graph, where waiting for it cannot
        # be told from computing.
        strategy = self.distribute_strategy

        @tf.function(autograph=False)
        def run_step(batch):
            # All replicas return the same.
            return tf.nest.map_structure(
                lambda value: strategy.experimental_local_results(value)[0],
                strategy.run(step, args=(batch,)),
            )

        compiled = {}

        def function(iterator):
            # For the shapes that any batch may have: a graph for those of the first would
            # round otherwise, and which is the first depends on interruptions.
            spec = iterator.element_spec
            shapes = tuple(tf.nest.flatten(spec, expand_composites=True))
            is_first = shapes not in compiled
            if is_first:
                compiled[shapes] = run_step.get_concrete_function(spec)
            start = time.perf_counter()
            batch = next(iterator)
            received = time.perf_counter()
            sums = tf.nest.map_structure(float, compiled[shapes](batch))
            self.means.add(sums)
            if counted and not is_first:
                self.totals.add(sums)
                self.seconds += time.perf_counter() - start
                self.input_seconds += received - start
            return self.means.result()

        return function

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # A private hook of Keras: its own adds up the replicas' parts of a batch to
        # learn its shape, which fails where the parts differ in size and with several
        # workers. There is nothing to build.
        pass

    def _gradients(
        self, batch: Batch, weights: dict[str, tf.Tensor]
    ) -> tuple[list[tf.Tensor], WeightedSums]:
        """Of this replica's part of the batch, in as many parts as asked for."""
        if self.num_microbatches == 1:
            return self._microbatch_gradients(batch, weights, 0)
        num_rows = tf.shape(next(iter(batch.values())))[0]

        def of_part(index):
            start = index * num_rows // self.num_microbatches
            stop = (index + 1) * num_rows // self.num_microbatches
            part = {name: values[start:stop] for name, values in batch.items()}
            return self._microbatch_gradients(part, weights, index)

        def add_part(index, total):
            return index + 1, tf.nest.map_structure(tf.add, total, of_part(index))

        _, total = tf.while_loop(
            lambda index, _: index < self.num_microbatches,
            add_part,
            (tf.constant(1), of_part(tf.constant(0))),
            parallel_iterations=1,
        )
        return total

    def _microbatch_gradients(self, batch, weights, index):
        variables = self.model.trainable_variables
        batch = self.trim(batch)
        with tf.GradientTape() as tape:
            outputs = self.model(
                batch, training=True, dropout_seed=self._dropout_seed(index)
            )
            sums = self.objective.weighted_sums(outputs, batch)
            sums["tokens_per_row"] = _tokens_and_rows(batch)
            loss = tf.add_n(
                [
                    sums[name][0] / (weight + WEIGHT_EPSILON)
                    for name, weight in weights.items()
                ]
            )
            loss = self.optimizer.scale_loss(loss)
        # A head without an objective has no gradient, as without next-sentence pairs.
        gradients = [
            tf.zeros(variable.shape)
            if gradient is None
            else tf.convert_to_tensor(gradient)
            for gradient, variable in zip(
                tape.gradient(loss, variables), variables, strict=True
            )
        ]
        return gradients, sums

    def _dropout_seed(self, microbatch: int | tf.Tensor) -> tf.Tensor:
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        seed = tf.constant([self.seed, 0])
        for number in (self.optimizer.iterations, replica, microbatch):
            seed = fold_seed(seed, tf.cast(number, tf.int32))
        return seed


def _tokens_and_rows(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
    mask = tf.cast(batch["input_mask"] > 0, tf.float32)
    return tf.reduce_sum(mask), tf.cast(tf.shape(mask)[0], tf.float32)
