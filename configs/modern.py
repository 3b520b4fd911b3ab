r"""BERT as one would pretrain it today, any size, from the same text.

    python -m pipelines.create_pretraining_data --input='text/*.txt' \
        --vocab_file=vocab.txt --output=data --masking=dynamic --next_sentence=false \
        --max_seq_length=512 --max_predictions_per_seq=77
    python -m bert_tf.pretrain --config=configs/modern.py:base --workdir=runs/base \
        --config.input.data_dir=data --config.model.vocab_size=30522

After the colon: tiny, mini, small, medium, base (also without a colon) or large. Unlike
classic.py:

- masks are drawn anew in each epoch, of 30 % of the tokens (Wettig et al. 2023); held-out
  examples keep the 15 % of their shards. To compare with classic.py on the very same
  ones, make its data of the same text and add --config.eval_data_dir=classic/512;
- no next-sentence pairs (Liu et al. 2019, table 2): documents fill their examples, and
  short ones share rows, so that padding costs nothing;
- bfloat16, which pays on GPUs and on CPUs with AMX or AVX-512 BF16; float32 elsewhere
  (--config.model.dtype_policy=float32);
- AdamW with bias correction and beta_2 of 0.98, warm-up, a constant rate, and a decay by
  1 - sqrt in the last fifth (Hägele et al. 2024).

256 sequences of up to 512 tokens a step are 131,072 tokens; 200,000 steps are 26 billion.
Base needs 6 * 86 million * 26 billion = 13 exaFLOP for the layers: by arithmetic, a day
and a half of a GPU that sustains 100 TFLOP a second. Nobody has run it to its end here;
mini has, for 20 minutes: see budget.py for its loss and accuracy.
"""

from bert_tf.config import InputConfig, OptimizerConfig, PretrainConfig, bert_size


def get_config(size: str = "base") -> PretrainConfig:
    """The configuration of `size`."""
    return PretrainConfig(
        model=bert_size(size, dtype_policy="mixed_bfloat16"),
        input=InputConfig(
            train_batch_size=256, eval_batch_size=32, packing=True, masked_lm_prob=0.3
        ),
        optimizer=OptimizerConfig(
            schedule="warmup_stable_decay",
            learning_rate=3e-4,
            warmup_steps=2_000,
            decay_share=0.2,
            beta_2=0.98,
            bias_correction=True,
        ),
        num_train_steps=200_000,
        steps_per_log=100,
        steps_per_checkpoint=1_000,
        steps_per_eval=10_000,
        strategy="mirrored",
    )
