r"""The best model in so many minutes, on whatever machine this is.

    python -m pipelines.create_pretraining_data --input='text/*.txt' \
        --vocab_file=vocab.txt --output=data --masking=dynamic --next_sentence=false
    python -m bert_tf.pretrain --config=configs/budget.py:mini --workdir=runs/mine \
        --config.input.data_dir=data --config.model.vocab_size=$(wc -l < vocab.txt) \
        --config.num_train_minutes=20

After the colon: a size; mini without one. The learning rate stays up until its decay is
all that still fits into the time, and the decay takes as many steps as its share is of
all steps: the run ends with the decay done, about on time, whatever the machine makes of
a step. Interruptions do not count, but compiling does, at each start.

Mini on 12 MB of English in bfloat16 (--config.model.dtype_policy=mixed_bfloat16), 20
minutes on two cores: 3,828 steps of 2,048 tokens, less than three passes over the text.
Of held-out masked words it then predicts 32 %, with a loss of 3.92, where the words'
frequencies alone have 6.62 (`make bench-pretrain`).
"""

from bert_tf.config import InputConfig, OptimizerConfig, PretrainConfig, bert_size


def get_config(size: str = "mini") -> PretrainConfig:
    """The configuration of `size`."""
    return PretrainConfig(
        model=bert_size(
            size,
            # The usual standard deviation of 0.02 is meant for 768 units.
            initializer_range=0.03,
            # Or a small model would spend all its time on finding its neighbours.
            initial_attention="beside",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        input=InputConfig(train_batch_size=16, packing=True, masked_lm_prob=0.3),
        optimizer=OptimizerConfig(
            schedule="warmup_stable_decay",
            learning_rate=1e-3,
            warmup_steps=200,
            decay_share=0.3,
            beta_2=0.98,
            bias_correction=True,
        ),
        num_train_minutes=20,
        steps_per_log=20,
        steps_per_checkpoint=100,
        steps_per_eval=500,
    )
