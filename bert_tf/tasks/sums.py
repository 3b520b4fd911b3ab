"""Sums over a batch and the weights to divide them by; see pretraining.py.

Shapes: B batch, O classes.
"""

import tensorflow as tf

WeightedSums = dict[str, tuple[tf.Tensor, tf.Tensor]]


def classification_sums(
    logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor
) -> WeightedSums:
    """Cross entropy and accuracy of choices between classes.

    Args:
        logits: float32 [..., O].
        labels: int32 [...], each in [0, O) where its weight is not 0.
        weights: float32 [...].

    Returns:
        `loss`, in nats, and `accuracy`.
    """
    labels = tf.where(weights > 0, labels, 0)
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    is_right = tf.equal(tf.argmax(logits, axis=-1, output_type=labels.dtype), labels)
    weight = tf.reduce_sum(weights)
    return {
        "loss": (tf.reduce_sum(cross_entropy * weights), weight),
        "accuracy": (tf.reduce_sum(tf.cast(is_right, tf.float32) * weights), weight),
    }


def squared_error_sums(
    predictions: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor
) -> WeightedSums:
    """The mean squared error, as `loss`.

    Args:
        predictions: float32 [B].
        targets: float32 [B].
        weights: float32 [B].
    """
    error = tf.math.squared_difference(predictions, targets)
    return {"loss": (tf.reduce_sum(error * weights), tf.reduce_sum(weights))}
