"""A small run with all that is random in it, for tests that interrupt it."""

from bert_tf.config import BertConfig, InputConfig, OptimizerConfig, PretrainConfig
from tests.made_data import VOCABULARY


def get_config() -> PretrainConfig:
    """The configuration, without data."""
    return PretrainConfig(
        model=BertConfig(
            vocab_size=len(VOCABULARY),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=16,
        ),
        input=InputConfig(train_batch_size=10, eval_batch_size=7, shuffle_buffer_size=20),
        optimizer=OptimizerConfig(learning_rate=1e-2, warmup_steps=2),
        num_train_steps=200,
        steps_per_log=10,
        steps_per_checkpoint=20,
        steps_per_eval=100,
    )
