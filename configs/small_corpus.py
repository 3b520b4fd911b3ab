r"""BERT-Tiny for some ten megabytes of your text, on a CPU, within half an hour.

    python -m pipelines.learn_vocab --input='text/*.txt' --output=vocab.txt \
        --vocab_size=8000
    python -m pipelines.create_pretraining_data --input='text/*.txt' \
        --vocab_file=vocab.txt --output=data
    python -m bert_tf.pretrain --config=configs/small_corpus.py --workdir=runs/mine \
        --config.input.data_dir=data --config.model.vocab_size=$(wc -l < vocab.txt)

A step has 32 sequences of up to 128 tokens, 4,096 tokens with padding; 5,000 steps are 20
million, about six passes over 12 MB of English (3.1 million tokens). That took 8 minutes
on two cores of an AMD EPYC. On held-out documents, which --held_out_fraction=0.02 of
create_pretraining_data keeps, masked_lm_accuracy was then 0.29 (the most frequent word
alone gives 0.05), masked_lm_loss 4.27 and next_sentence_accuracy 0.75.
"""

from bert_tf.config import InputConfig, OptimizerConfig, PretrainConfig, bert_size


def get_config(size: str = "tiny") -> PretrainConfig:
    """The configuration of `size`."""
    return PretrainConfig(
        model=bert_size(
            size,
            # The usual standard deviation of 0.02 is meant for 768 units.
            initializer_range=0.04,
            # Or so small a model would spend all its steps on finding its neighbours.
            initial_attention="beside",
        ),
        input=InputConfig(train_batch_size=32),
        optimizer=OptimizerConfig(learning_rate=1e-3, warmup_steps=500),
        num_train_steps=5000,
        steps_per_log=50,
        steps_per_checkpoint=500,
        steps_per_eval=1000,
    )
