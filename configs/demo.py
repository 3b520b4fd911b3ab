"""The demo's run."""

from bert_tf.config import InputConfig, OptimizerConfig, PretrainConfig, bert_size


def get_config():
    """The configuration."""
    return PretrainConfig(
        model=bert_size("tiny", vocab_size=6127, max_position_embeddings=64),
        input=InputConfig(train_batch_size=32, eval_batch_size=128),
        optimizer=OptimizerConfig(learning_rate=2e-3, warmup_steps=200),
        num_train_steps=3000,
        steps_per_checkpoint=500,
        steps_per_eval=500,
        strategy="mirrored",
    )
