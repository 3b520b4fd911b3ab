"""Questions whose answers are spans of a text, if it has one (extractive; SQuAD).

Devlin et al. 2019, sections 4.2 and 4.3: a dense layer scores each token as the first
and as the last of the answer; [CLS] stands for no answer.

Shapes: B questions, W windows of all of them, S tokens of the longest sequence, N tokens
of the longest context, T of the longest window's part of it, L tokens of an answer, M
windows of a question, K answers of a question.
"""

import functools
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.data.packing import pack_pair
from bert_tf.data.task_files.squad import read_squad
from bert_tf.data.task_files.tables import refuse_columns
from bert_tf.data.windows import Windows, make_windows
from bert_tf.errors import UserError
from bert_tf.modeling.task_model import HeadConfig, TaskModel
from bert_tf.tasks import squad_metrics
from bert_tf.tasks.sequences import count, raw_chunks, without_padding
from bert_tf.tasks.sums import WeightedSums
from bert_tf.tasks.task import Answer, Batch, Example, Task

MAX_QUESTION_TOKENS = 64
_SCORES = {"exact": squad_metrics.exact, "f1": squad_metrics.f1}
MAX_ANSWER_TOKENS = 30
NUM_BEST = 5
# The score of no span at all, and the logit of padding: far below any that a model
# gives, yet finite, as JSON wants it.
NO_SPAN = -1e9

_CHUNK = 256  # examples that are tokenized together


class QuestionAnswering(Task):
    """The span of a context that answers a question.

    Answers, of which `answer` is `context[start:end]`, counted in bytes of UTF-8:

        answer          string [B]; "" where no answer is the better one
        start, end      int32 [B]; 0 where there is no answer
        score           float32 [B], of the best span: the sum of its two logits
        null_score      float32 [B], of no answer: the least over the windows
        n_best_answers  string [B, 5], the spans of the highest scores, whatever the
                        null score; "" where there are fewer
        n_best_starts, n_best_ends  int32 [B, 5]
        n_best_scores   float32 [B, 5]; NO_SPAN where there are fewer

    A span lies in one window, and has at most 30 tokens.

    Attributes:
        no_answer_threshold: no answer is given where null_score exceeds score by more;
            None, of a model that is still being trained: by more than 0.
            Infinite: it is always a span, as for SQuAD 1.1.
    """

    inputs: ClassVar = {"question": 1, "context": 1}
    # Equal to f1 of the best spans where each question has an answer.
    main_metric = "best_f1"
    has_labels = False
    has_windows = True
    reads_objects = False
    no_answer_threshold: float | None = None

    def calibrate(self, results: Mapping[str, Any]) -> None:
        """The best threshold; infinite if all questions had an answer."""
        self.no_answer_threshold = results.get("best_f1_threshold", math.inf)

    @classmethod
    def read(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """Reads SQuAD's JSON; see Task. Targets are GoldAnswers."""
        refuse_columns(columns, "SQuAD's JSON")
        return [
            Example({"question": each.question, "context": each.context}, each.gold)
            for each in read_squad(path)
        ]

    @classmethod
    def read_labelled(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """See Task."""
        examples = super().read_labelled(path, columns)
        for number, example in enumerate(examples, start=1):
            if example.target.answers is None:
                raise UserError(
                    f"{path}: expected 'answers' to each question, received none to "
                    f"{example.target.id!r}, the {number}. of them; add them."
                )
        return examples

    def make_model(self, config: BertConfig, features: FeatureConfig) -> keras.Model:
        """See Task; the head without dropout, as in the original run_squad.py."""
        head = HeadConfig("answer_span", 2, of_tokens=True, has_dropout=False)
        return TaskModel(config, head, features)

    def encode(self, examples: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
        """See Task; a dictionary for each window.

        `start_position` and `end_position` are those of the answer's first and last
        token, and 0, [CLS], where the window does not show all of it. Examples whose
        answer is not known are left out, and so are those whose answer has no tokens.
        """
        trainable = [each for each in examples if each.target.is_trainable]
        label = tf.function(functools.partial(label_windows, self), reduce_retracing=True)
        num_without_tokens = 0
        for chunk, inputs in raw_chunks(self, trainable, size=_CHUNK):
            spans = tf.constant([each.target.span or (0, 0) for each in chunk])
            labelled = {name: each.numpy() for name, each in label(inputs, spans).items()}
            num_without_tokens += int(np.sum(~labelled.pop("has_label")))
            for row in np.flatnonzero(labelled["is_known"]):
                yield without_padding(labelled, row) | {
                    name: labelled[name][row]
                    for name in ("start_position", "end_position")
                }
        if num_without_tokens:
            logging.warning(
                "%d of %d answers have no token; their questions are left out of "
                "training.",
                num_without_tokens,
                len(examples),
            )
        if num_without_tokens == len(trainable):
            raise UserError(
                f"Expected answers to train on, received none in {len(examples)} "
                "questions; check their offsets and texts."
            )

    def num_cut(self, examples: Sequence[Example]) -> int:
        """How many questions are longer than what is seen of them; see Task."""

        def is_cut(inputs):
            num_tokens = self.tokenizer.tokenize(inputs["question"]).row_lengths()
            return num_tokens > _max_question_tokens(self)

        return count(self, examples, is_cut, size=_CHUNK)

    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """See Task; `accuracy` is the share of windows with both positions right."""
        positions_W2 = tf.stack([batch["start_position"], batch["end_position"]], axis=-1)
        is_token_WS1 = batch["input_mask"][:, :, tf.newaxis] > 0
        logits_WS2 = tf.where(is_token_WS1, outputs["logits"], NO_SPAN)
        logits_W2S = tf.transpose(logits_WS2, [0, 2, 1])
        cross_entropy_W = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(positions_W2, logits_W2S), -1
        )
        best_W2 = tf.argmax(logits_W2S, axis=-1, output_type=positions_W2.dtype)
        is_right_W = tf.reduce_all(tf.equal(best_W2, positions_W2), axis=-1)
        weight = tf.reduce_sum(batch["weight"])
        return {
            "loss": (tf.reduce_sum(cross_entropy_W * batch["weight"]), weight),
            "accuracy": (
                tf.reduce_sum(tf.cast(is_right_W, tf.float32) * batch["weight"]),
                weight,
            ),
        }

    def pack(self, inputs: Batch) -> Batch:
        """See Task."""
        return pack_pair(
            _tokenize_question(self, inputs["question"]),
            self.tokenizer.tokenize(inputs["context"]),
            self.tokenizer.vocabulary,
            max_seq_length=self.config.max_seq_length,
        )

    def answer_ids(self, model: keras.Model, packed: Batch) -> Batch:
        """See Task; the logits of each token, `start_logits` and `end_logits` [B, S]."""
        start_logits, end_logits = tf.unstack(model(packed)["logits"], num=2, axis=-1)
        return {"start_logits": start_logits, "end_logits": end_logits}

    def answer(self, model: keras.Model, inputs: Batch) -> Batch:
        """See Task."""
        packed = pack_windows(self, inputs)
        logits_WS2 = model(packed.inputs)["logits"]
        windows = packed.windows
        null_score_B = tf.math.segment_min(
            tf.reduce_sum(logits_WS2[:, 0], axis=-1), windows.text
        )
        spans = best_spans(logits_WS2, windows, packed.first)
        is_span_BK = spans.score > NO_SPAN
        starts_BK = tf.where(is_span_BK, _of_tokens(packed.starts, spans.first), 0)
        ends_BK = tf.where(is_span_BK, _of_tokens(packed.ends, spans.last), 0)
        score_B = spans.score[:, 0]
        is_answer_B = null_score_B - score_B <= (self.no_answer_threshold or 0.0)
        start_B = tf.where(is_answer_B, starts_BK[:, 0], 0)
        end_B = tf.where(is_answer_B, ends_BK[:, 0], 0)
        context_B = inputs["context"]
        return {
            "answer": tf.strings.substr(context_B, start_B, end_B - start_B),
            "start": start_B,
            "end": end_B,
            "score": score_B,
            "null_score": null_score_B,
            "n_best_answers": tf.strings.substr(
                context_B[:, tf.newaxis], starts_BK, ends_BK - starts_BK
            ),
            "n_best_starts": starts_BK,
            "n_best_ends": ends_BK,
            "n_best_scores": spans.score,
        }

    def to_plain(self, outputs: Mapping[str, np.ndarray], row: int) -> Answer:
        """The five best are a list `n_best`, each with answer, start, end and score."""
        answer = super().to_plain(outputs, row)
        columns = {
            name: answer.pop(f"n_best_{name}s")
            for name in ("answer", "start", "end", "score")
        }
        best = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
        return answer | {"n_best": [each for each in best if each["score"] > NO_SPAN]}

    def metrics(
        self, answers: Sequence[Answer], examples: Sequence[Example]
    ) -> dict[str, float]:
        """The official exact match and F1, from 0 to 1.

        `best_exact` and `best_f1` are those with the best `no_answer_threshold` for
        each, which is told as `..._threshold` if there are questions without an answer.
        `exact` and `f1` are those of the answers given, or of a model that is still
        being trained with the threshold it would have: that of `best_f1`.
        """
        golds = [example.target.answers for example in examples]
        differences = [each["null_score"] - each["score"] for each in answers]

        def scores_of(score, texts):
            pairs = zip(golds, texts, strict=True)
            return [squad_metrics.best_score(score, gold, text) for gold, text in pairs]

        def scores_of_spans(score):
            """Of a question without an answer any span is wrong, even one of no words."""
            return [
                of_span if gold else float(not span)
                for of_span, gold, span in zip(
                    scores_of(score, spans), golds, spans, strict=True
                )
            ]

        spans, none = [_best_span(each) for each in answers], [""] * len(answers)
        best, thresholds = {}, {}
        for name, score in _SCORES.items():
            best[f"best_{name}"], thresholds[f"best_{name}_threshold"] = (
                squad_metrics.best_threshold(
                    scores_of_spans(score), scores_of(score, none), differences
                )
            )
        given = [each["answer"] for each in answers]
        if self.no_answer_threshold is None:
            is_span = np.array(differences) <= thresholds["best_f1_threshold"]
            given = np.where(is_span, spans, none)
        figures = {
            name: statistics.fmean(scores_of(score, given))
            for name, score in _SCORES.items()
        }
        return figures | best | ({} if all(golds) else thresholds)


def _best_span(answer: Answer) -> str:
    """The text of the best span, whatever the null score; "" where there is none."""
    return answer["n_best"][0]["answer"] if answer["n_best"] else ""


# --- Windows ----------------------------------------------------------------------------


class PackedWindows(NamedTuple):
    """The windows of a batch of questions, and where they are in the contexts."""

    inputs: Batch  # of the encoder, int32 [W, S]
    windows: Windows
    first: tf.Tensor  # int64 [W], where in its sequence a window's first token stands
    starts: tf.RaggedTensor  # int32 [B, (tokens)], first byte of each context's tokens
    ends: tf.RaggedTensor  # int32 [B, (tokens)], the byte after the last


def pack_windows(task: Task, inputs: Batch) -> PackedWindows:
    """Tokenizes questions and contexts, and frames each window beside its question.

    Args:
        task: has the tokenizer, the length and the stride.
        inputs: `question` and `context`, string [B].
    """
    length = task.config.max_seq_length
    question = _tokenize_question(task, inputs["question"])
    context, starts, ends = task.tokenizer.tokenize_with_offsets(inputs["context"])
    num_special = 3  # [CLS], and [SEP] twice
    windows = make_windows(
        context.row_lengths(),
        length - num_special - question.row_lengths(),
        stride=task.config.doc_stride,
    )
    question = tf.gather(question, windows.text)
    return PackedWindows(
        pack_pair(
            question,
            windows.take(context),
            task.tokenizer.vocabulary,
            max_seq_length=length,
        ),
        windows,
        question.row_lengths() + 2,  # after [CLS] and [SEP]
        starts,
        ends,
    )


def _tokenize_question(task: Task, question: tf.Tensor) -> tf.RaggedTensor:
    """Ids, cut off after `_max_question_tokens`."""
    return task.tokenizer.tokenize(question)[:, : _max_question_tokens(task)]


def _max_question_tokens(task: Task) -> int:
    """MAX_QUESTION_TOKENS, or a third of the sequence."""
    return min(MAX_QUESTION_TOKENS, task.config.max_seq_length // 3)


# --- Training ---------------------------------------------------------------------------


def label_windows(task: Task, inputs: Batch, spans: tf.Tensor) -> Batch:
    """Windows, and where in them the answers are.

    Args:
        task: see `pack_windows`.
        inputs: `question` and `context`, string [B].
        spans: int32 [B, 2], first byte of the answer in the context and the byte after
            its last; both 0 where there is no answer.

    Returns:
        The encoder's inputs, int32 [W, S]; `start_position` and `end_position`, int32
        [W], of the first and last token that overlaps the answer, 0 where the window
        does not show all of them; `is_known`, bool [W], and `has_label`, bool [B], False
        where an answer overlaps no token.
    """
    packed = pack_windows(task, inputs)
    windows = packed.windows
    start_B1, end_B1 = spans[:, :1], spans[:, 1:]
    is_answer_BN = tf.logical_and(
        packed.starts.to_tensor() < end_B1, packed.ends.to_tensor() > start_B1
    )
    num_tokens_B = tf.math.count_nonzero(is_answer_BN, axis=1)
    has_label_B = tf.logical_or(num_tokens_B > 0, tf.equal(spans[:, 1], 0))
    # Of contexts without tokens there is no first to look for.
    first_B = tf.argmax(tf.pad(is_answer_BN, [[0, 0], [0, 1]]), axis=1)
    first_W = tf.gather(first_B, windows.text) - windows.start
    num_tokens_W = tf.gather(num_tokens_B, windows.text)
    end_W = first_W + num_tokens_W
    is_shown_W = (num_tokens_W > 0) & (first_W >= 0) & (end_W <= windows.length)
    positions = {
        "start_position": packed.first + first_W,
        "end_position": packed.first + end_W - 1,
    }
    return (
        packed.inputs
        | {
            name: tf.where(is_shown_W, tf.cast(position_W, tf.int32), 0)
            for name, position_W in positions.items()
        }
        | {"is_known": tf.gather(has_label_B, windows.text), "has_label": has_label_B}
    )


# --- Answers ----------------------------------------------------------------------------


class Spans(NamedTuple):
    """The best spans of each question, the best first; K = NUM_BEST."""

    score: tf.Tensor  # float32 [B, K]; NO_SPAN where there are fewer
    first: tf.Tensor  # int32 [B, K], number of the first token in its context
    last: tf.Tensor  # int32 [B, K]


def best_spans(logits_WS2: tf.Tensor, windows: Windows, first_W: tf.Tensor) -> Spans:
    """The spans of at most MAX_ANSWER_TOKENS whose two logits have the greatest sums.

    They begin in the window where their first token has most context, and end there. Of
    two as good the one in the earlier window comes first, then the one that begins
    earlier, then the shorter one.

    Args:
        logits_WS2: float32, of the first and the last token.
        windows: of all questions, in their order.
        first_W: int64, where in its sequence a window's first token stands.
    """
    score_WK, first_WK, last_WK = _best_of_windows(logits_WS2, windows, first_W)
    score_BC = _by_question(score_WK, windows, NO_SPAN)
    score_BK, order_BK = tf.math.top_k(score_BC, NUM_BEST)
    first_BK, last_BK = (
        tf.gather(_by_question(tokens_WK, windows, 0), order_BK, batch_dims=1)
        for tokens_WK in (first_WK, last_WK)
    )
    return Spans(score_BK, first_BK, last_BK)


def _best_of_windows(
    logits_WS2: tf.Tensor, windows: Windows, first_W: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Scores, first and last tokens in the context of each window's best [W, K]."""
    may_start_WT = windows.has_most_context().to_tensor(False)
    num_windows, width = tf.unstack(tf.shape(may_start_WT))
    token_T = tf.range(width)
    position_WT = tf.cast(first_W, tf.int32)[:, tf.newaxis] + token_T
    position_WT = tf.minimum(position_WT, tf.shape(logits_WS2)[1] - 1)  # of padding
    logits_WT2 = tf.gather(logits_WS2, position_WT, batch_dims=1)
    may_end_WT = tf.sequence_mask(windows.length, width)
    start_WT = tf.where(may_start_WT, logits_WT2[:, :, 0], NO_SPAN)
    end_WT = tf.where(may_end_WT, logits_WT2[:, :, 1], NO_SPAN)

    # All pairs of tokens would be T times T: only those near enough are looked at.
    beyond = MAX_ANSWER_TOKENS - 1
    end_WT = tf.pad(end_WT, [[0, 0], [0, beyond]], constant_values=NO_SPAN)
    token_TL = token_T[:, tf.newaxis] + tf.range(MAX_ANSWER_TOKENS)
    score_WTL = start_WT[:, :, tf.newaxis] + tf.gather(end_WT, token_TL, axis=1)
    score_WC = tf.reshape(score_WTL, [num_windows, width * MAX_ANSWER_TOKENS])
    score_WC = tf.pad(score_WC, [[0, 0], [0, NUM_BEST]], constant_values=NO_SPAN)
    score_WK, choice_WK = tf.math.top_k(score_WC, NUM_BEST)
    score_WK = tf.where(score_WK > NO_SPAN / 2, score_WK, NO_SPAN)
    start_W1 = tf.cast(windows.start, tf.int32)[:, tf.newaxis]
    first_WK = start_W1 + choice_WK // MAX_ANSWER_TOKENS
    return score_WK, first_WK, first_WK + choice_WK % MAX_ANSWER_TOKENS


def _by_question(values_WK: tf.Tensor, windows: Windows, padding: float) -> tf.Tensor:
    """Values of all windows of each question: [B, M * K]."""
    values_BMK = tf.RaggedTensor.from_row_lengths(
        values_WK, windows.num_windows
    ).to_tensor(padding)
    shape = tf.shape(values_BMK)
    return tf.reshape(values_BMK, [shape[0], shape[1] * shape[2]])


def _of_tokens(values: tf.RaggedTensor, tokens_BK: tf.Tensor) -> tf.Tensor:
    """What values [B, (tokens)] say of tokens; anything where there is no such token."""
    values_BN = tf.pad(values.to_tensor(), [[0, 0], [0, 1]])
    tokens_BK = tf.minimum(tokens_BK, tf.shape(values_BN)[1] - 1)
    return tf.gather(values_BN, tokens_BK, batch_dims=1)
