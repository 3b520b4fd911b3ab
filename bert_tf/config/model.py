"""The encoder."""

import dataclasses
from typing import Any

from bert_tf.config.checks import require, require_choice, require_positive, require_share

ACTIVATIONS = ("gelu", "gelu_new")
DTYPE_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
LAYER_NORMS = ("post", "pre")
INITIAL_ATTENTIONS = ("random", "beside")


@dataclasses.dataclass
class BertConfig:
    """The encoder's shape and everything that changes its numbers.

    Fields carry the names of `bert_config.json`. `hidden_act` tells the two GELUs
    apart as Hugging Face does: `gelu` is x * Phi(x) by erf, `gelu_new` the tanh
    approximation that Google's code uses under the name gelu.
    """

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512  # longest sequence in tokens
    type_vocab_size: int = 2
    hidden_act: str = "gelu_new"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02  # standard deviation of the truncated normal
    initial_attention: str = "random"  # or beside; see modeling/neighbours.py
    do_lower_case: bool = True  # how text becomes ids: lower case, no accents
    layer_norm: str = "post"  # after each residual sum as in BERT; pre: before each block
    dtype_policy: str = "float32"  # mixed_bfloat16 for GPUs, and CPUs that have it

    def validate(self) -> None:
        """Raises UserError on the first field that cannot be."""
        require_positive(
            self,
            "vocab_size",
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "intermediate_size",
            "max_position_embeddings",
            "type_vocab_size",
            "layer_norm_eps",
            "initializer_range",
        )
        require(
            self.hidden_size % self.num_attention_heads == 0,
            "hidden_size",
            f"a multiple of num_attention_heads={self.num_attention_heads}",
            self.hidden_size,
            "change one of the two",
        )
        require_choice("hidden_act", self.hidden_act, ACTIVATIONS)
        require_choice("dtype_policy", self.dtype_policy, DTYPE_POLICIES)
        require_choice("layer_norm", self.layer_norm, LAYER_NORMS)
        require_choice("initial_attention", self.initial_attention, INITIAL_ATTENTIONS)
        require_share(self, "hidden_dropout_prob", "attention_probs_dropout_prob")


def bert_size(name: str, **overrides: Any) -> BertConfig:
    """The published sizes (Turc et al. 2019, table 1, and Devlin et al. 2019, 3).

    Args:
        name: tiny, mini, small, medium, base or large.
        **overrides: fields of BertConfig to set besides.

    Returns:
        A BertConfig with heads of 64 units and a feed-forward of 4 * hidden_size.

    Raises:
        UserError: the name is none of these.
    """
    sizes = {
        "tiny": (2, 128),
        "mini": (4, 256),
        "small": (4, 512),
        "medium": (8, 512),
        "base": (12, 768),
        "large": (24, 1024),
    }
    require_choice("size", name, tuple(sizes))
    num_hidden_layers, hidden_size = sizes[name]
    return BertConfig(
        **{
            "num_hidden_layers": num_hidden_layers,
            "hidden_size": hidden_size,
            "num_attention_heads": hidden_size // 64,
            "intermediate_size": 4 * hidden_size,
        }
        | overrides
    )
