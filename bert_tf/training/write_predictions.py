"""What a model fills into the same few masks, again and again while it learns."""

import itertools
import os
import textwrap
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bert_tf.data.input_pipeline import eval_dataset
from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.data.vocab import load_vocabulary
from bert_tf.modeling.checkpoints.run_dir import EVENTS_DIR, PREDICTIONS_FILE, VOCAB_FILE
from bert_tf.training.metrics_log import MetricsLog, held_out_steps
from bert_tf.training.phases import Phase
from bert_tf.training.state import TrainingState

NUM_SENTENCES = 4
NUM_ANSWERS = 5
_COLUMNS = 100  # of TensorBoard's texts
_INPUTS = (*ENCODER_INPUTS, "masked_lm_positions")

Mask = dict[str, np.ndarray]  # see first_masks


class WritePredictions(keras.callbacks.Callback):
    """Lines in predictions.jsonl, TensorBoard's texts and curves, after each evaluation.

    {"split": "held_out", "step": 100, "sentences": [
        {"tokens": ["[CLS]", "the", "[MASK]", ...], "position": 2, "label": "cat",
         "label_probability": 0.2, "top": [["dog", 0.31], ...]}, ...]}

    It has to stand before WriteMetrics: a step that has held-out figures is not
    evaluated again after an interruption. Nothing in it is random or needs another
    worker, so that a run is the same with it and without.

    Args:
        state: knows the step.
        model: a BertPretrainer.
        phases: of the run; the sentences are held-out ones of the phase of the step.
        workdir: the run's folder, which has its vocabulary already.
    """

    def __init__(
        self,
        state: TrainingState,
        model: keras.Model,
        phases: Sequence[Phase],
        workdir: str,
    ):
        super().__init__()
        self._state = state
        self._pretrainer = model  # `model` is what fit trains
        self._phases = phases
        self._vocabulary = load_vocabulary(os.path.join(workdir, VOCAB_FILE))
        path = os.path.join(workdir, PREDICTIONS_FILE)
        self._log = MetricsLog(path, first_step=state.step)
        self._written_steps = held_out_steps(path)
        self._masks: dict[int, list[Mask]] = {}  # by the phase's first step
        self._writer = tf.summary.create_file_writer(
            os.path.join(workdir, EVENTS_DIR, "predictions")
        )

    def on_test_end(self, logs=None):
        """Writes what the model says now."""
        self.write()

    def write(self) -> None:
        """Writes what the model says now, once a step; nothing if none is held out."""
        step = self._state.step
        phase = next(each for each in self._phases if step <= each.stop_step)
        if step in self._written_steps or not phase.num_held_out:
            return
        if phase.first_step not in self._masks:
            self._masks[phase.first_step] = first_masks(phase, self._vocabulary.mask_id)
        sentences = [self._fill(mask) for mask in self._masks[phase.first_step]]
        self._log.write("held_out", step, {"sentences": sentences})
        self._written_steps.add(step)
        with self._writer.as_default(step):
            for number, sentence in enumerate(sentences, start=1):
                tf.summary.text(f"sentence_{number}", format_sentence(sentence))
                tf.summary.scalar(
                    f"label_probability/sentence_{number}", sentence["label_probability"]
                )
        self._writer.flush()

    def _fill(self, mask: Mask) -> dict[str, Any]:
        tokens = self._vocabulary.tokens
        outputs = self._pretrainer({name: mask[name][None] for name in _INPUTS})
        probabilities = tf.nn.softmax(outputs["masked_lm_logits"][0, 0]).numpy()
        best = np.argsort(-probabilities, kind="stable")[:NUM_ANSWERS]
        ids = mask["input_word_ids"][mask["input_mask"] > 0]
        label_id = mask["masked_lm_ids"][0]
        return {
            "tokens": [tokens[token_id] for token_id in ids],
            "position": int(mask["masked_lm_positions"][0]),
            "label": tokens[label_id],
            "label_probability": round(float(probabilities[label_id]), 4),
            "top": [
                [tokens[each], round(float(probabilities[each]), 4)] for each in best
            ],
        }


def first_masks(phase: Phase, mask_id: int) -> list[Mask]:
    """The first NUM_SENTENCES held-out examples with a mask, and the first one in each.

    Args:
        phase: of the run.
        mask_id: of [MASK]; tokens to predict that are visible say little.

    Returns:
        Of each `input_word_ids`, `input_mask` and `input_type_ids`, int32 [S], and
        `masked_lm_positions` and `masked_lm_ids`, int32 [1].
    """
    batches = eval_dataset(phase.held_out, batch_size=phase.input.eval_batch_size)
    masks = (
        _first_mask(example, mask_id) for example in batches.unbatch().as_numpy_iterator()
    )
    return list(itertools.islice(filter(None, masks), NUM_SENTENCES))


def _first_mask(example: Mask, mask_id: int) -> Mask | None:
    positions = example["masked_lm_positions"]
    is_hidden = example["input_word_ids"][positions] == mask_id
    (slots,) = np.nonzero(is_hidden * example["masked_lm_weights"])
    if not len(slots):
        return None
    first = slots[np.argmin(positions[slots])]
    return example | {
        name: example[name][first : first + 1]
        for name in ("masked_lm_positions", "masked_lm_ids")
    }


def format_sentence(sentence: dict[str, Any]) -> str:
    """For TensorBoard: Markdown that takes no token for markup, being set as code."""
    lines = [
        *textwrap.wrap(" ".join(sentence["tokens"]), _COLUMNS),
        "",
        f"{sentence['position']}: {sentence['label']}",
        *(f"{probability:8.1%}  {token}" for token, probability in sentence["top"]),
    ]
    return textwrap.indent("\n".join(lines), "    ", lambda line: True)
