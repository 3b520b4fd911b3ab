"""The features of a pretraining example, declared once for writer and reader.

With `max_seq_length=8`, `max_predictions_per_seq=2` and the names of Model Garden, the
pair ("my dog", "barks") whose word "dog" is to be predicted is

    input_word_ids        [CLS] my [MASK] [SEP] barks [SEP] [PAD] [PAD]   (as ids)
    input_mask              1    1    1     1     1     1     0     0     1 = not padding
    input_type_ids          0    0    0     0     1     1     0     0     1 = second one
    masked_lm_positions   2   0        indexes into input_word_ids
    masked_lm_ids         dog 0        the ids that were there
    masked_lm_weights     1.0 0.0      0.0 = no prediction, only padding
    next_sentence_labels  0            1 = the second segment is a random one

Where masks are drawn in training, its shards hold the same pair as

    input_word_ids        [CLS] my dog [SEP] barks [SEP]
    second_segment_start  4            index of the first token of the second segment
    example_key           839...       names the example in random draws
    next_sentence_labels  0
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from bert_tf.config import PretrainingDataConfig

_MODEL_GARDEN_NAMES = {"input_ids": "input_word_ids", "segment_ids": "input_type_ids"}


@dataclasses.dataclass(frozen=True)
class Feature:
    """One feature of a tf.Example."""

    role: str  # its name in google-research/bert, whatever it is called here
    name: str  # its name in the file
    dtype: str  # int64 or float32
    shape: tuple[int, ...]  # the number of values; () where it differs by example


def masked_features(config: PretrainingDataConfig) -> tuple[Feature, ...]:
    """The features of examples whose masks are in the shards.

    Args:
        config: its `feature_names` chooses between the names of google-research/bert
            (`original`) and of TensorFlow Model Garden (`model_garden`), which differ in
            `input_ids`/`input_word_ids` and `segment_ids`/`input_type_ids`.

    Returns:
        Seven features, L = max_seq_length and P = max_predictions_per_seq: input ids,
        mask and segment ids, int64 [L]; masked positions and ids, int64 [P], and
        weights, float32 [P]; with `next_sentence` the next-sentence label, int64 [1],
        1 for a random next. `role` is the same for both name sets.

    Source: google-research/bert, create_pretraining_data.py, the features written;
    tensorflow/models, official/nlp/data/create_pretraining_data.py.
    """
    length = (config.max_seq_length,)
    predictions = (config.max_predictions_per_seq,)
    return _features(
        config,
        ("input_ids", "int64", length),
        ("input_mask", "int64", length),
        ("segment_ids", "int64", length),
        ("masked_lm_positions", "int64", predictions),
        ("masked_lm_ids", "int64", predictions),
        ("masked_lm_weights", "float32", predictions),
    )


def unmasked_features(config: PretrainingDataConfig) -> tuple[Feature, ...]:
    """The features of examples that are masked when they are read.

    Args:
        config: as in `masked_features`.

    Returns:
        Input ids without padding, int64 of variable length; second_segment_start, the
        number of tokens where there is none, and example_key, int64 [1] below 2**63;
        with `next_sentence` the label as in `masked_features`.
    """
    return _features(
        config,
        ("input_ids", "int64", ()),
        ("second_segment_start", "int64", (1,)),
        ("example_key", "int64", (1,)),
    )


def _features(
    config: PretrainingDataConfig, *roles: tuple[str, str, tuple[int, ...]]
) -> tuple[Feature, ...]:
    renamed = _MODEL_GARDEN_NAMES if config.feature_names == "model_garden" else {}
    if config.next_sentence:
        roles += (("next_sentence_labels", "int64", (1,)),)
    return tuple(
        Feature(role=role, name=renamed.get(role, role), dtype=dtype, shape=shape)
        for role, dtype, shape in roles
    )


def check_values(
    values_by_role: Mapping[str, np.ndarray], features: Sequence[Feature]
) -> None:
    """Checks examples that are about to be written.

    Args:
        values_by_role: an array [N, K] for each role.
        features: what `masked_features` or `unmasked_features` gave.

    Raises:
        ValueError: roles are missing or unknown, or one has another number of values.
    """
    expected = {each.role: each.shape[0] if each.shape else "any" for each in features}
    received = {
        role: values.shape[1] if expected.get(role) != "any" else "any"
        for role, values in values_by_role.items()
    }
    if received != expected:
        raise ValueError(
            f"Expected features with these numbers of values: {expected}, received "
            f"{received}; pad each to its shape in bert_tf/data/schema.py."
        )
