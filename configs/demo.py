r"""What `make demo` trains: BERT-Tiny on the docstrings of the installed packages.

    make build/demo/data/manifest.json
    python -m bert_tf.pretrain --config=configs/demo.py --workdir=build/demo/run \
        --config.input.data_dir=build/demo/data

A step has 32 sequences of up to 64 tokens; 1,750 steps are 56,000 sequences, over half
of the 98,000 examples, in some four minutes on two cores. Held-out masked-LM
accuracy is then about 0.29 where the most frequent word alone gives 0.07; the
next-sentence head has only begun to learn.
"""

from bert_tf.config import InputConfig, OptimizerConfig, PretrainConfig, bert_size


def get_config(size: str = "tiny") -> PretrainConfig:
    """The configuration of `size`."""
    return PretrainConfig(
        model=bert_size(
            size,
            vocab_size=6000,
            max_position_embeddings=64,
            # The usual standard deviation of 0.02 is meant for 768 units.
            initializer_range=0.04,
            # Or so small a model would spend all its steps on finding its neighbours.
            initial_attention="beside",
            # Nothing is seen twice, so there is nothing to keep from being learnt by
            # heart.
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        input=InputConfig(train_batch_size=32, eval_batch_size=128),
        optimizer=OptimizerConfig(learning_rate=1e-3, warmup_steps=200),
        num_train_steps=1750,
        steps_per_log=50,
        steps_per_checkpoint=250,
        steps_per_eval=1000,
        strategy="mirrored",
    )
