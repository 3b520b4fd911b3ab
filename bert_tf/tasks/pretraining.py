"""Pretraining as a task: what is summed over a batch (Devlin et al. 2019, section 3.1).

Everything is a sum and the weight it is to be divided by. Whoever adds up several
replicas or batches adds both and divides once, so that the result does not depend on
how the examples were split.
"""

import math

import tensorflow as tf

from bert_tf.modeling import kernels


def loss_weights(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """What the losses of a batch are to be divided by.

    Args:
        batch: see `weighted_sums`.

    Returns:
        Float32 scalars by the names of the losses.
    """
    weights = {"masked_lm_loss": tf.reduce_sum(batch["masked_lm_weights"])}
    if "next_sentence_labels" in batch:
        weights["next_sentence_loss"] = tf.reduce_sum(_next_sentence_weights(batch))
    return weights


def weighted_sums(
    outputs: dict[str, tf.Tensor], batch: dict[str, tf.Tensor]
) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """Losses and accuracies of both objectives.

    Args:
        outputs: BertPretrainer's `masked_lm_logits` [B, P, V] and
            `next_sentence_logits` [B, 2].
        batch: `masked_lm_ids` [B, P], `masked_lm_weights` [B, P] and, if the examples
            are pairs, `next_sentence_labels` [B]. Where a row holds several examples,
            B is [B, K] for next sentences, with `next_sentence_weights`.

    Returns:
        Pairs (sum, weight) of float32 scalars: `masked_lm_loss`, `masked_lm_accuracy`
        and, of pairs, `next_sentence_loss` and `next_sentence_accuracy`. The losses,
        cross entropies in nats, add up to what training minimises.
    """
    sums = _classification_sums(
        "masked_lm",
        outputs["masked_lm_logits"],
        batch["masked_lm_ids"],
        batch["masked_lm_weights"],
    )
    if "next_sentence_labels" in batch:
        labels = batch["next_sentence_labels"]
        sums |= _classification_sums(
            "next_sentence",
            outputs["next_sentence_logits"],
            labels,
            _next_sentence_weights(batch),
        )
    return sums


def _next_sentence_weights(batch):
    """Of rows of several examples 0 where a row has fewer than others."""
    labels = batch["next_sentence_labels"]
    return batch.get("next_sentence_weights", tf.ones_like(labels, tf.float32))


def _classification_sums(name, logits, labels, weights):
    cross_entropy = kernels.cross_entropy(logits, labels)
    is_right = tf.cast(
        tf.equal(tf.argmax(logits, axis=-1, output_type=labels.dtype), labels), tf.float32
    )
    weight = tf.reduce_sum(weights)
    return {
        f"{name}_loss": (tf.reduce_sum(cross_entropy * weights), weight),
        f"{name}_accuracy": (tf.reduce_sum(is_right * weights), weight),
    }


def results(
    means: dict[str, float], baselines: dict[str, float], *, num_examples: int
) -> dict[str, float]:
    """The figures of an evaluation beside what needs no model.

    Args:
        means: of `weighted_sums` over the held-out examples.
        baselines: the manifest's: `masked_lm_accuracy` and `masked_lm_perplexity` of
            the words' frequencies, `next_sentence_accuracy` of the more frequent label.
        num_examples: evaluated.

    Returns:
        `means`, `masked_lm_perplexity`, their baselines as `baseline_*`, `num_examples`
        and, of pairs, `next_sentence_interval`: half of the 95 % interval that a coin's
        accuracy has on so many examples.
    """
    found = {
        **means,
        "masked_lm_perplexity": math.exp(min(means["masked_lm_loss"], 700.0)),
    }
    found |= {
        f"baseline_{name}": value for name, value in baselines.items() if name in found
    }
    found["num_examples"] = num_examples
    if "next_sentence_accuracy" in means:
        found["next_sentence_interval"] = 1.96 * math.sqrt(0.25 / num_examples)
    return found


def format_results(results: dict[str, float]) -> str:
    """`results` as a Markdown table."""
    rows = [("held-out figure", "model", "baseline", "what the baseline does")]
    for name, baseline_does in (
        ("masked_lm_accuracy", "says the most frequent word"),
        ("masked_lm_perplexity", "knows the words' frequencies"),
        ("next_sentence_accuracy", "says the more frequent label"),
    ):
        if name in results:
            figures = (results[name], results[f"baseline_{name}"])
            rows.append((name, *(f"{figure:.3f}" for figure in figures), baseline_does))
    if "next_sentence_accuracy" in results:
        rows.append(
            (
                "next_sentence_accuracy - 0.5",
                f"{results['next_sentence_accuracy'] - 0.5:+.3f}",
                f"±{results['next_sentence_interval']:.3f}",
                f"tosses a coin for {results['num_examples']} pairs (95 % interval)",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
