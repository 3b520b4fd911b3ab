r"""BERT as it was pretrained in 2018 (Devlin et al. 2019, appendix A.2), any size.

    python -m pipelines.create_pretraining_data --input='text/*.txt' \
        --vocab_file=vocab.txt --output=data --dupe_factor=10 \
        --max_seq_length=128,512 --max_predictions_per_seq=20,77
    python -m bert_tf.pretrain --config=configs/classic.py:base --workdir=runs/base \
        --config.input.data_dir=data/128 --config.long_input.data_dir=data/512 \
        --config.model.vocab_size=30522

After the colon: tiny, mini, small, medium, base (also without a colon) or large. Masks
are in the shards, next sentences are told from random ones, AdamW has no bias correction,
the rate falls in a line. The last tenth of the steps has sequences of 512 tokens;
--config.num_long_steps=0 leaves it out. Where memory is short, set
--config.num_microbatches.

256 sequences of 128 tokens a step are 32,768 tokens, 131,072 in the last tenth: 900,000
and 100,000 steps are 29 + 13 = 43 billion tokens, a third of the 128 billion that the
paper counts as if all sequences had 512. Base needs
6 * 86 million * 43 billion = 22 exaFLOP for the layers alone: days on a server with GPUs,
and never on a laptop. For a small corpus see small_corpus.py. The paper's model reaches a
held-out perplexity of about 4.
"""

from bert_tf.config import InputConfig, OptimizerConfig, PretrainConfig, bert_size


def get_config(size: str = "base") -> PretrainConfig:
    """The configuration of `size`."""
    return PretrainConfig(
        model=bert_size(size),
        input=InputConfig(train_batch_size=256),
        long_input=InputConfig(train_batch_size=256, eval_batch_size=16),
        optimizer=OptimizerConfig(learning_rate=1e-4, warmup_steps=10_000),
        num_train_steps=1_000_000,
        num_long_steps=100_000,
        steps_per_log=100,
        steps_per_checkpoint=1_000,
        steps_per_eval=10_000,
        strategy="mirrored",
    )
