"""Every setting of the package: one dataclass a component, one `validate()` each.

A configuration file in `configs/` returns one of these, command-line flags override
its fields, and `validate()` runs afterwards, because overrides bypass `__post_init__`.
"""

from bert_tf.config.checks import to_json
from bert_tf.config.data import (
    FEATURE_NAMES,
    INPUT_FORMATS,
    MASKING,
    SPECIAL_TOKENS,
    PretrainingDataConfig,
)
from bert_tf.config.model import BertConfig, bert_size
from bert_tf.config.pretraining import (
    InputConfig,
    OptimizerConfig,
    PretrainConfig,
    pretrain_config_from_json,
)

__all__ = [
    "FEATURE_NAMES",
    "INPUT_FORMATS",
    "MASKING",
    "SPECIAL_TOKENS",
    "BertConfig",
    "InputConfig",
    "OptimizerConfig",
    "PretrainConfig",
    "PretrainingDataConfig",
    "bert_size",
    "pretrain_config_from_json",
    "to_json",
]
