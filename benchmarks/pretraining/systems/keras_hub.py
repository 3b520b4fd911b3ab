"""KerasHub's BertMaskedLM, which is its BertBackbone and MaskedLMHead, under `fit`.

    python -m benchmarks.pretraining.systems.keras_hub JOB

JOB is a `Job` as JSON; the last line is an outcome as JSON. Masks are drawn anew in each
epoch by MaskedLMMaskGenerator, as BertMaskedLMPreprocessor does it; the optimizer is the
model's default, Adam, with a rate that falls to 0. Without XLA, with which it is slower
on CPUs.
"""

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from benchmarks.pretraining.job import (
    MASKED_LM_PROB,
    MAX_PREDICTIONS_PER_SEQ,
    Clock,
    Job,
    Outcome,
    evaluate,
)
from benchmarks.training.systems.keras_hub import library_backbone
from bert_tf.config import SPECIAL_TOKENS, BertConfig


def main() -> None:
    """Trains, evaluates and saves the weights."""
    job = Job.from_arguments()
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(job.model().dtype_policy)
    model = masked_lm(job.model())
    model.compile(
        optimizer=keras.optimizers.Adam(job.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=[],
        jit_compile=False,
    )
    rows = job.train_rows()
    clock = Clock(minutes=job.minutes)
    progress = _Progress(job, clock)
    model.fit(
        dataset(job, rows),
        steps_per_epoch=1_000_000_000,  # more than there is time for
        verbose=0,
        callbacks=[progress],
    )
    seconds = clock.seconds
    job.save_weights({variable.path: np.array(variable) for variable in model.variables})
    Outcome(
        num_steps=progress.num_steps,
        num_tokens=round(progress.num_steps * job.batch_size * (rows > 0).sum(1).mean()),
        seconds=seconds,
        # In a graph: outside of one the head adds float32 to bfloat16, and fails.
        **evaluate(job, lambda batch: model.predict_on_batch(for_model(batch))),
    ).print()


def masked_lm(config: BertConfig) -> keras.Model:
    """The library's own model."""
    return keras_hub.models.BertMaskedLM(library_backbone(config))


def dataset(job: Job, rows: np.ndarray) -> tf.data.Dataset:
    """Shuffled batches, each time with other masks, endlessly."""
    pad_id, _, cls_id, sep_id, mask_id = range(len(SPECIAL_TOKENS))
    masker = keras_hub.layers.MaskedLMMaskGenerator(
        vocabulary_size=job.vocab_size,
        mask_selection_rate=MASKED_LM_PROB,
        mask_selection_length=MAX_PREDICTIONS_PER_SEQ,
        mask_token_id=mask_id,
        unselectable_token_ids=[cls_id, sep_id, pad_id],
    )

    def mask(row_ids):
        masked = masker(row_ids)
        inputs = {
            "token_ids": masked["token_ids"],
            "padding_mask": row_ids != pad_id,
            "segment_ids": tf.zeros_like(row_ids),
            "mask_positions": masked["mask_positions"],
        }
        return inputs, masked["mask_ids"], masked["mask_weights"]

    batches = (
        tf.data.Dataset.from_tensor_slices(rows)
        .shuffle(len(rows), seed=0)
        .batch(job.batch_size, drop_remainder=True)
        .repeat()
    )
    return batches.map(mask, num_parallel_calls=tf.data.AUTOTUNE).prefetch(
        tf.data.AUTOTUNE
    )


def for_model(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs under the library's names."""
    return {
        "token_ids": batch["input_word_ids"],
        "padding_mask": batch["input_mask"],
        "segment_ids": batch["input_type_ids"],
        "mask_positions": batch["masked_lm_positions"],
    }


class _Progress(keras.callbacks.Callback):
    """Lowers the rate to 0 in the time there is, and ends then."""

    def __init__(self, job: Job, clock: Clock):
        super().__init__()
        self.num_steps = 0
        self._job = job
        self._clock = clock

    def on_train_batch_begin(self, batch, logs=None):
        rate = self._job.learning_rate * self._clock.share_left
        self.model.optimizer.learning_rate = rate

    def on_train_batch_end(self, batch, logs=None):
        self.num_steps += 1
        self.model.stop_training = not self._clock.share_left


if __name__ == "__main__":
    main()
