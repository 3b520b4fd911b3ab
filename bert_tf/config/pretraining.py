"""A pretraining run: its input, its optimizer and its steps."""

import dataclasses

from bert_tf.config.checks import (
    require,
    require_choice,
    require_positive,
    require_share,
    section,
)
from bert_tf.config.model import BertConfig

OPTIMIZERS = ("adamw", "lamb")
SCHEDULES = ("linear", "warmup_stable_decay")
STRATEGIES = ("none", "mirrored", "multi_worker")


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
        require(
            bool(self.data_dir),
            "data_dir",
            "the folder that create_pretraining_data wrote",
            self.data_dir,
            "set --config.input.data_dir",
        )
        require_positive(
            self,
            "train_batch_size",
            "eval_batch_size",
            "shuffle_buffer_size",
            "length_buckets",
        )
        require(
            not (self.packing and self.length_buckets > 1),
            "length_buckets",
            "1 for packed rows, which have no padding",
            self.length_buckets,
            "change one of the two",
        )
        require_share(self, "masked_lm_prob")


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
        require_positive(self, "learning_rate", "epsilon", "clip_norm")
        require_share(self, "weight_decay", "beta_1", "beta_2", "decay_share")
        require_choice("name", self.name, OPTIMIZERS)
        require_choice("schedule", self.schedule, SCHEDULES)
        require_positive(self, "decay_share")
        require(
            self.warmup_steps >= 0,
            "warmup_steps",
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
        with section("model"):
            self.model.validate()
        with section("input"):
            self.input.validate()
        with section("optimizer"):
            self.optimizer.validate()
        if self.num_long_steps:
            require(
                bool(self.long_input.data_dir),
                "long_input.data_dir",
                f"the folder of longer examples for num_long_steps={self.num_long_steps}",
                self.long_input.data_dir,
                "set --config.long_input.data_dir, or --config.num_long_steps=0",
            )
            with section("long_input"):
                self.long_input.validate()
        require(
            bool(self.num_long_steps) or not self.long_input.data_dir,
            "num_long_steps",
            "steps above 0 for long_input.data_dir",
            self.num_long_steps,
            "raise it, or leave long_input.data_dir out",
        )
        require_positive(
            self,
            "num_train_steps",
            "steps_per_log",
            "steps_per_checkpoint",
            "steps_per_eval",
            "max_eval_steps",
            "num_microbatches",
        )
        require_choice("strategy", self.strategy, STRATEGIES)
        require(0 <= self.seed < 2**31, "seed", "0 to 2147483647", self.seed, "change it")
        require(
            self.optimizer.warmup_steps < self.num_train_steps,
            "optimizer.warmup_steps",
            f"fewer than num_train_steps={self.num_train_steps}",
            self.optimizer.warmup_steps,
            "lower it or train longer",
        )
        require(
            0 <= self.num_long_steps <= self.num_train_steps,
            "num_long_steps",
            f"0 to num_train_steps={self.num_train_steps}",
            self.num_long_steps,
            "change it",
        )
        if self.num_train_minutes:
            require_positive(self, "num_train_minutes")
            require(
                self.optimizer.schedule == "warmup_stable_decay",
                "optimizer.schedule",
                "warmup_stable_decay for a run of num_train_minutes, whose decay can "
                "begin at any step",
                self.optimizer.schedule,
                "change one of the two",
            )
            require(
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
            require(
                getattr(self, name) % getattr(self, unit) == 0,
                name,
                f"a multiple of {unit}={getattr(self, unit)}",
                getattr(self, name),
                "change one of the two",
            )
