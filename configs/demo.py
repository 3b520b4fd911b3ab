r"""What `make demo` trains: BERT-Tiny on the docstrings of the installed packages.

    python -m bert_tf.pretrain --config=configs/demo.py --workdir=build/demo/run \
        --config.input.data_dir=build/demo/data

"""

from bert_tf.config import InputConfig, OptimizerConfig, PretrainConfig, bert_size


def get_config() -> PretrainConfig:
    """The configuration."""
    return PretrainConfig(
        # At 128 units the usual standard deviation of 0.02, meant for 768, would leave
        # attention flat for the first thousand steps.
        model=bert_size(
            "tiny", vocab_size=6000, max_position_embeddings=64, initializer_range=0.05
        ),
        input=InputConfig(train_batch_size=32, eval_batch_size=128),
        optimizer=OptimizerConfig(learning_rate=1e-3, warmup_steps=200),
        num_train_steps=2000,
        steps_per_checkpoint=250,
        steps_per_eval=1000,
        strategy="mirrored",
    )
