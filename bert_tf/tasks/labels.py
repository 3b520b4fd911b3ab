"""A classifier's outputs in the order of the labels they stand for."""

import dataclasses

from absl import logging

from bert_tf.modeling.checkpoints.pretrained import Pretrained
from bert_tf.modeling.checkpoints.shapes import CLASSIFIERS, head_of


def with_labels(pretrained: Pretrained, labels: tuple[str, ...]) -> Pretrained:
    """The weights with a classifier of these labels, or without any if it has others.

    Args:
        pretrained: whose `labels` are those of its classifier, if it has one. Classes
            without names are taken to be in the order of `labels` here.
        labels: wanted; none where the task has no classes.
    """
    known = pretrained.labels
    if not labels or not known or known == labels:
        return pretrained
    is_classifier = {path: head_of(path) in CLASSIFIERS for path in pretrained.weights}
    if sorted(known) == sorted(labels):
        order = [known.index(label) for label in labels]
        weights = {
            path: values[..., order] if is_classifier[path] else values
            for path, values in pretrained.weights.items()
        }
    else:
        logging.info(
            "The checkpoint's classes are others: %s; its classifier is left out.",
            ", ".join(known),
        )
        weights = {
            path: values
            for path, values in pretrained.weights.items()
            if not is_classifier[path]
        }
    return dataclasses.replace(pretrained, weights=weights, labels=labels)
