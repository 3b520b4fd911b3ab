"""Every setting of the package: one dataclass a component, one `validate()` each.

A configuration file in `configs/` returns one of these, command-line flags override
its fields, and `validate()` runs afterwards, because overrides bypass `__post_init__`.
"""

from bert_tf.config.data import (
    FEATURE_NAMES,
    INPUT_FORMATS,
    MASKING,
    SPECIAL_TOKENS,
    PretrainingDataConfig,
)
from bert_tf.config.finetuning import FeatureConfig, FinetuneConfig, TaskConfig
from bert_tf.config.model import ACTIVATIONS, BertConfig, bert_size
from bert_tf.config.pretraining import (
    InputConfig,
    OptimizerConfig,
    PretrainConfig,
)
from bert_tf.config.sampling import Sampling, parse_sampling
from bert_tf.config.serialization import from_json, to_json

__all__ = [
    "ACTIVATIONS",
    "FEATURE_NAMES",
    "INPUT_FORMATS",
    "MASKING",
    "SPECIAL_TOKENS",
    "BertConfig",
    "FeatureConfig",
    "FinetuneConfig",
    "InputConfig",
    "OptimizerConfig",
    "PretrainConfig",
    "PretrainingDataConfig",
    "Sampling",
    "TaskConfig",
    "bert_size",
    "from_json",
    "parse_sampling",
    "to_json",
]
