r"""BERT as it was pretrained in 2018 (Devlin et al. 2019, appendix A.2), any size.

    python -m pipelines.create_pretraining_data --input='text/*.txt' \
        --vocab_file=vocab.txt --output=data --dupe_factor=10
    python -m bert_tf.pretrain --config=configs/classic.py:base --workdir=runs/base \
        --config.input.data_dir=data --config.model.vocab_size=30522

After the colon: tiny, mini, small, medium, base (also without a colon) or large.

256 sequences of 128 tokens a step are 32,768 tokens; 1,000,000 steps are 33 billion
tokens, 40 passes over the 3.3 billion words of the paper's corpus are 128 billion: its
last tenth of steps had sequences of 512. Base needs 6 * 86 million * 33 billion = 17
exaFLOP for the layers alone: days on a server with GPUs, and never on a laptop. For a
small corpus see small_corpus.py. The paper's model reaches a held-out perplexity of
about 4.
"""

from bert_tf.config import InputConfig, OptimizerConfig, PretrainConfig, bert_size


def get_config(size: str = "base") -> PretrainConfig:
    """The configuration of `size`."""
    return PretrainConfig(
        model=bert_size(size),
        input=InputConfig(train_batch_size=256),
        optimizer=OptimizerConfig(learning_rate=1e-4, warmup_steps=10_000),
        num_train_steps=1_000_000,
        steps_per_checkpoint=1_000,
        steps_per_eval=10_000,
        strategy="mirrored",
    )
