"""A fine-tuning: the task, what it sees of the encoder, and how it is trained."""

import dataclasses
from typing import Self

from bert_tf.config.checks import (
    require,
    require_choice,
    require_positive,
    require_share,
)
from bert_tf.config.model import BertConfig

COMBINATIONS = ("concat", "sum")
POOLINGS = ("pooler", "first", "mean")
_NUM_FROZEN_LAYERS = 4


@dataclasses.dataclass
class FeatureConfig:
    """What a task's head sees of the encoder (Devlin et al. 2019, section 5.3)."""

    frozen: bool = False  # the encoder stays as it is: feature-based, not fine-tuning
    # 0 the embeddings, -1 the last; none: what the last gives to the pooler, or of a
    # frozen encoder without its pooler the last four.
    layers: tuple[int, ...] = ()
    combination: str = "concat"  # of several layers; or sum
    pooling: str = "pooler"  # of a sequence: BERT's own, the first token, or the mean

    def resolved(self, model: BertConfig) -> Self:
        """With the layers that are seen where none are chosen."""
        if not self.frozen or self.layers or self.pooling == "pooler":
            return self
        num_layers = min(_NUM_FROZEN_LAYERS, model.num_hidden_layers)
        return dataclasses.replace(self, layers=tuple(range(-1, -num_layers - 1, -1)))

    def validate(self, model: BertConfig) -> None:
        """Raises UserError on the first field that cannot be.

        Args:
            model: the encoder's.
        """
        require_choice("combination", self.combination, COMBINATIONS)
        require_choice("pooling", self.pooling, POOLINGS)
        require(
            self.combination == "concat" or len(self.layers) > 1,
            "combination",
            "concat where no layers, or a single one, are chosen",
            self.combination,
            "choose layers, or leave it out",
        )
        num_layers = model.num_hidden_layers
        for layer in self.layers:
            require(
                -num_layers - 1 <= layer <= num_layers,
                "layers",
                f"numbers from {-num_layers - 1} to {num_layers}",
                layer,
                "choose layers that the encoder has",
            )
        require(
            not self.layers or self.pooling != "pooler",
            "pooling",
            "first or mean of chosen layers: the pooler has learnt from the last",
            self.pooling,
            "change one of the two",
        )


@dataclasses.dataclass
class TaskConfig:
    """What identifies a task and what its answers look like; kept with its model."""

    name: str = ""  # see bert_tf.tasks.registry
    labels: tuple[str, ...] = ()  # of classes, in the order of the outputs
    max_seq_length: int = 128  # tokens the model sees at once
    doc_stride: int = 64  # tokens between two windows on a longer text, where it has any

    def validate(self, model: BertConfig) -> None:
        """Raises UserError on the first field that cannot be.

        Args:
            model: the encoder's.
        """
        require_positive(self, "doc_stride")
        require(
            not self.labels or len(self.labels) == len(set(self.labels)) > 1,
            "labels",
            "two or more, and each once",
            ", ".join(self.labels),
            "check --labels or the examples",
        )
        longest = model.max_position_embeddings
        require(
            8 <= self.max_seq_length <= longest,
            "max_seq_length",
            f"8 to the model's max_position_embeddings={longest}",
            self.max_seq_length,
            "change it",
        )


@dataclasses.dataclass
class FinetuneConfig:
    """One fine-tuning run."""

    task: TaskConfig = dataclasses.field(default_factory=TaskConfig)
    model: BertConfig = dataclasses.field(default_factory=BertConfig)
    features: FeatureConfig = dataclasses.field(default_factory=FeatureConfig)
    train_file: str = ""
    eval_file: str = ""  # evaluated after each epoch; the best epoch is kept
    columns: dict[str, str] = dataclasses.field(default_factory=dict)  # see read_table
    init_checkpoint: str = ""  # any that bert_tf.convert reads
    train_batch_size: int = 32
    eval_batch_size: int = 64
    num_epochs: int = 3  # 0: evaluate only
    patience: int = 0  # epochs without a better one after which to stop; 0: never
    learning_rate: float = 5e-5  # at the end of warm-up
    warmup_share: float = 0.1  # of the steps
    weight_decay: float = 0.01
    layer_decay: float = 1.0  # factor of the rate from each layer to the one below it
    num_new_layers: int = 0  # of the encoder's last ones, begun at random
    class_weights: str = "none"  # or balanced: by how rare a class is
    strategy: str = "none"  # or mirrored
    seed: int = 0  # of the head's weights, order of examples and dropout

    def validate(self) -> None:
        """Raises UserError on the first field that cannot be."""
        self.validate_training()
        self.model.validate()
        self.features.validate(self.model)
        self.task.validate(self.model)
        require(
            0 <= self.num_new_layers <= self.model.num_hidden_layers,
            "num_new_layers",
            f"0 to the encoder's {self.model.num_hidden_layers}",
            self.num_new_layers,
            "change it",
        )

    def validate_training(self) -> None:
        """`validate` of what can be told before the encoder is known."""
        require_positive(self, "train_batch_size", "eval_batch_size", "learning_rate")
        require(
            self.num_epochs >= 0,
            "num_epochs",
            "0, to evaluate what is there, or more",
            self.num_epochs,
            "raise it",
        )
        require(
            self.patience >= 0,
            "patience",
            "epochs to wait for a better one, or 0",
            self.patience,
            "raise it",
        )
        require_share(self, "warmup_share", "weight_decay")
        require(
            0 < self.layer_decay <= 1,
            "layer_decay",
            "a factor above 0 and at most 1",
            self.layer_decay,
            "change it",
        )
        require(
            bool(self.train_file) or not self.num_epochs,
            "train_file",
            "a file to learn from",
            self.train_file,
            "give one, or num_epochs=0 to evaluate only",
        )
        require_choice("class_weights", self.class_weights, ("none", "balanced"))
        require_choice("strategy", self.strategy, ("none", "mirrored"))
        require(0 <= self.seed < 2**31, "seed", "0 to 2147483647", self.seed, "change it")
        require(
            not (self.features.frozen and self.num_new_layers),
            "num_new_layers",
            "0 for a frozen encoder, whose layers would stay random",
            self.num_new_layers,
            "change one of the two",
        )
