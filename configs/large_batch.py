r"""LAMB with batches of tens of thousands (You et al. 2020, table 1), for many machines.

    python -m pipelines.create_pretraining_data --input='text/*.txt' \
        --vocab_file=vocab.txt --output=data --dupe_factor=10 \
        --max_seq_length=128,512 --max_predictions_per_seq=20,77
    python -m bert_tf.pretrain --config=configs/large_batch.py:large \
        --workdir=runs/large --config.input.data_dir=data/128 \
        --config.long_input.data_dir=data/512 --config.model.vocab_size=30522 \
        --config.num_microbatches=64

On each machine, with TF_CONFIG (deploy/kubernetes). After the colon: base or large
(also without a colon), and the smaller sizes. num_microbatches is what a batch has to be
divided by for a replica's part to fit into its memory: it changes nothing but time.

32,768 sequences of 128 tokens a step are 4.2 million tokens, the same number of sequences
of 512 tokens 16.8 million: 7,038 and 1,562 steps are 29.5 + 26.2 = 56 billion tokens. The
paper warms up over 2,000 steps to 6e-3 and again over 781 to 4e-3; here one schedule
covers both phases. It reports 90.6 F1 on SQuAD 1.1 with BERT-large after these steps, and
76 minutes on 1,024 TPUs; nobody has run it to its end here.
"""

from bert_tf.config import InputConfig, OptimizerConfig, PretrainConfig, bert_size


def get_config(size: str = "large") -> PretrainConfig:
    """The configuration of `size`."""
    return PretrainConfig(
        model=bert_size(size, dtype_policy="mixed_bfloat16"),
        input=InputConfig(train_batch_size=32_768, shuffle_buffer_size=200_000),
        long_input=InputConfig(
            train_batch_size=32_768, eval_batch_size=16, shuffle_buffer_size=200_000
        ),
        optimizer=OptimizerConfig(
            name="lamb", learning_rate=6e-3, warmup_steps=2_000, bias_correction=True
        ),
        num_train_steps=8_600,
        num_long_steps=1_560,
        steps_per_log=10,
        steps_per_checkpoint=40,
        steps_per_eval=200,
        num_microbatches=64,
        strategy="multi_worker",
    )
