"""Every setting of the package: one dataclass a component, one `validate()` each.

A configuration file in `configs/` returns one of these, command-line flags override
its fields, and `validate()` runs afterwards, because overrides bypass `__post_init__`.
"""

import dataclasses
import json
import re
from typing import Any

from bert_tf.errors import UserError

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
FEATURE_NAMES = ("original", "model_garden")
MASKING = ("static", "dynamic")
INPUT_FORMATS = (
    "sentences",
    "prose",
    "prose_files",
    "jsonl",
    "parquet",
    "wikiextractor",
)
ACTIVATIONS = ("gelu", "gelu_new")
DTYPE_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
LAYER_NORMS = ("post", "pre")
OPTIMIZERS = ("adamw", "lamb")
SCHEDULES = ("linear", "warmup_stable_decay")
STRATEGIES = ("none", "mirrored", "multi_worker")


def _require(condition: bool, name: str, expected: str, received: Any, todo: str) -> None:
    if not condition:
        raise UserError(f"{name}: expected {expected}, received {received!r}; {todo}.")


def _require_choice(name: str, received: str, choices: tuple[str, ...]) -> None:
    _require(
        received in choices,
        name,
        f"one of {', '.join(choices)}",
        received,
        "choose one of them",
    )


def _require_positive(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        _require(value > 0, name, "a number above 0", value, "raise it")


def _require_share(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        _require(
            0 <= value < 1, name, "a share of at least 0 and below 1", value, "change it"
        )


@dataclasses.dataclass
class PretrainingDataConfig:
    """What the pretraining examples are made of; all of it is in their manifest."""

    input_format: str = "sentences"  # see bert_tf.data.readers.read_documents
    text_field: str = "text"  # of jsonl and parquet
    language: str = "en"  # ISO 639 code, for splitting prose into sentences
    do_lower_case: bool = True  # also strips accents, like the original
    max_seq_length: int = 128  # tokens, [CLS] and two [SEP] included
    masking: str = "static"  # in the shards; dynamic: drawn anew in each epoch
    max_predictions_per_seq: int = 20  # masked tokens at most
    masked_lm_prob: float = 0.15  # share of tokens to predict
    do_whole_word_mask: bool = False  # mask all pieces of a word or none
    max_ngram_size: int = 1  # mask up to so many neighbouring words together
    next_sentence: bool = True  # pairs; False: one segment of a single document
    short_seq_prob: float = 0.1  # share of documents with a random target length
    dupe_factor: int = 10  # passes over the corpus, each with other pairs and masks
    keep_duplicates: bool = False  # use documents as often as they come
    gzip_compress: bool = False  # the shards
    feature_names: str = "model_garden"  # or original: input_ids, segment_ids
    held_out_fraction: float = 0.02  # share of documents kept from training
    random_seed: int = 12345

    def validate(self) -> None:
        """Raises UserError on the first field that cannot be."""
        _require_choice("input_format", self.input_format, INPUT_FORMATS)
        _require(
            bool(self.text_field),
            "text_field",
            "the name of a field",
            self.text_field,
            "give one",
        )
        _require(
            re.fullmatch("[a-z]{2,3}(-[A-Za-z]+)?", self.language) is not None,
            "language",
            "an ISO 639 code such as en",
            self.language,
            "give one",
        )
        _require_choice("feature_names", self.feature_names, FEATURE_NAMES)
        _require_choice("masking", self.masking, MASKING)
        _require_positive(
            self, "max_predictions_per_seq", "dupe_factor", "max_ngram_size"
        )
        _require(
            self.max_seq_length >= 8,
            "max_seq_length",
            "at least 8 tokens",
            self.max_seq_length,
            "raise it",
        )
        _require_share(self, "masked_lm_prob", "short_seq_prob", "held_out_fraction")
        _require(
            self.masked_lm_prob > 0,
            "masked_lm_prob",
            "a share above 0",
            self.masked_lm_prob,
            "raise it",
        )


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
    do_lower_case: bool = True  # how text becomes ids: lower case, no accents
    layer_norm: str = "post"  # after each residual sum as in BERT; pre: before each block
    dtype_policy: str = "float32"  # mixed_bfloat16 for GPUs, and CPUs that have it

    def validate(self) -> None:
        """Raises UserError on the first field that cannot be."""
        _require_positive(
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
        _require(
            self.hidden_size % self.num_attention_heads == 0,
            "hidden_size",
            f"a multiple of num_attention_heads={self.num_attention_heads}",
            self.hidden_size,
            "change one of the two",
        )
        _require_choice("hidden_act", self.hidden_act, ACTIVATIONS)
        _require_choice("dtype_policy", self.dtype_policy, DTYPE_POLICIES)
        _require_choice("layer_norm", self.layer_norm, LAYER_NORMS)
        _require_share(self, "hidden_dropout_prob", "attention_probs_dropout_prob")


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
    _require_choice("size", name, tuple(sizes))
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


@dataclasses.dataclass
class InputConfig:
    """How training reads its examples."""

    data_dir: str = ""  # holds manifest.json and shards of create_pretraining_data
    train_batch_size: int = 32  # examples over all replicas
    eval_batch_size: int = 64
    shuffle_buffer_size: int = 10_000  # examples
    packing: bool = False  # short examples of a batch share rows; no padding is computed
    length_buckets: int = 1  # batches that are sorted by length together, and cut anew
    masked_lm_prob: float = 0.0  # in training, of unmasked shards; 0: the data's own

    def validate(self) -> None:
        """Raises UserError on the first field that cannot be."""
        _require(
            bool(self.data_dir),
            "input.data_dir",
            "the folder that create_pretraining_data wrote",
            self.data_dir,
            "set --config.input.data_dir",
        )
        _require_positive(
            self,
            "train_batch_size",
            "eval_batch_size",
            "shuffle_buffer_size",
            "length_buckets",
        )
        _require(
            not (self.packing and self.length_buckets > 1),
            "input.length_buckets",
            "1 for packed rows, which have no padding",
            self.length_buckets,
            "change one of the two",
        )
        _require_share(self, "masked_lm_prob")


@dataclasses.dataclass
class OptimizerConfig:
    """AdamW as BERT was trained with it (Devlin et al. 2019, appendix A.2)."""

    name: str = "adamw"  # or lamb, for batches of thousands
    schedule: str = "linear"  # to 0; or warmup_stable_decay
    learning_rate: float = 1e-4  # at the end of warm-up
    warmup_steps: int = 10_000
    decay_share: float = 0.2  # of the steps, the last ones, of warmup_stable_decay
    weight_decay: float = 0.01  # not on biases and LayerNorm
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-6
    bias_correction: bool = False  # of the means for having begun at 0; BERT had none
    clip_norm: float = 1.0  # of the gradients over all variables together

    def validate(self) -> None:
        """Raises UserError on the first field that cannot be."""
        _require_positive(self, "learning_rate", "epsilon", "clip_norm")
        _require_share(self, "weight_decay", "beta_1", "beta_2", "decay_share")
        _require_choice("optimizer.name", self.name, OPTIMIZERS)
        _require_choice("optimizer.schedule", self.schedule, SCHEDULES)
        _require_positive(self, "decay_share")
        _require(
            self.warmup_steps >= 0,
            "optimizer.warmup_steps",
            "0 or more",
            self.warmup_steps,
            "raise it",
        )


@dataclasses.dataclass
class PretrainConfig:
    """One pretraining run."""

    model: BertConfig = dataclasses.field(default_factory=BertConfig)
    input: InputConfig = dataclasses.field(default_factory=InputConfig)
    optimizer: OptimizerConfig = dataclasses.field(default_factory=OptimizerConfig)
    long_input: InputConfig = dataclasses.field(default_factory=InputConfig)
    eval_data_dir: str = ""  # whose held-out examples to evaluate on; empty: the inputs'
    num_train_steps: int = 1_000_000
    num_long_steps: int = 0  # the last ones, on long_input instead of input
    num_train_minutes: float = 0.0  # above 0: as many steps as fit, decay included
    steps_per_log: int = 100  # an epoch of fit; its means are a line of metrics.jsonl
    steps_per_checkpoint: int = 1_000
    steps_per_eval: int = 10_000
    max_eval_steps: int = 100  # batches of an evaluation on the way; the last is on all
    num_microbatches: int = 1  # parts of a batch; more take less memory and more time
    strategy: str = "none"  # mirrored: every GPU of this machine; multi_worker: TF_CONFIG
    seed: int = 0  # of initial weights, order of examples and dropout

    def validate(self) -> None:
        """Raises UserError on the first field that cannot be."""
        self.model.validate()
        self.input.validate()
        if self.num_long_steps:
            self.long_input.validate()
        self.optimizer.validate()
        _require_positive(
            self,
            "num_train_steps",
            "steps_per_log",
            "steps_per_checkpoint",
            "steps_per_eval",
            "max_eval_steps",
            "num_microbatches",
        )
        _require_choice("strategy", self.strategy, STRATEGIES)
        _require(
            0 <= self.seed < 2**31, "seed", "0 to 2147483647", self.seed, "change it"
        )
        _require(
            self.optimizer.warmup_steps < self.num_train_steps,
            "optimizer.warmup_steps",
            f"fewer than num_train_steps={self.num_train_steps}",
            self.optimizer.warmup_steps,
            "lower it or train longer",
        )
        _require(
            0 <= self.num_long_steps <= self.num_train_steps,
            "num_long_steps",
            f"0 to num_train_steps={self.num_train_steps}",
            self.num_long_steps,
            "change it",
        )
        if self.num_train_minutes:
            _require_positive(self, "num_train_minutes")
            _require(
                self.optimizer.schedule == "warmup_stable_decay",
                "optimizer.schedule",
                "warmup_stable_decay for a run of num_train_minutes, whose decay can "
                "begin at any step",
                self.optimizer.schedule,
                "change one of the two",
            )
            _require(
                not self.num_long_steps,
                "num_long_steps",
                "0 for a run of num_train_minutes",
                self.num_long_steps,
                "change one of the two",
            )
        for name, unit in (
            ("steps_per_checkpoint", "steps_per_log"),
            ("steps_per_eval", "steps_per_checkpoint"),
            ("num_train_steps", "steps_per_checkpoint"),
            ("num_long_steps", "steps_per_checkpoint"),
        ):
            _require(
                getattr(self, name) % getattr(self, unit) == 0,
                name,
                f"a multiple of {unit}={getattr(self, unit)}",
                getattr(self, name),
                "change one of the two",
            )


def to_json(config: Any) -> str:
    """A configuration as indented JSON with a final newline."""
    return json.dumps(dataclasses.asdict(config), indent=2) + "\n"


def pretrain_config_from_json(text: str) -> PretrainConfig:
    """What `to_json` wrote of a PretrainConfig.

    Raises:
        UserError: it is none, or has fields that this version does not know.
    """
    parts = {
        "model": BertConfig,
        "input": InputConfig,
        "long_input": InputConfig,
        "optimizer": OptimizerConfig,
    }
    try:
        fields = json.loads(text)
        return PretrainConfig(
            **fields | {name: part(**fields[name]) for name, part in parts.items()}
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"Expected a configuration that bert_tf.pretrain wrote, received one that "
            f"differs ({error}); use the version of bert_tf it was written with."
        ) from error
