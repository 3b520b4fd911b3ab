"""The sentences of an article that sum it up, after Liu 2019 (BertSum).

Each sentence is framed with [CLS] and [SEP], and types alternate from one to the next. A
dense layer on its [CLS] says how probably the sentence belongs in the summary. Articles
longer than the model are seen through windows; a sentence is judged in the one where its
[CLS] has most context.

Shapes: B articles, N sentences of all of them, T their tokens, W windows, S tokens of the
longest.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from rouge_score.rouge_scorer import RougeScorer

from bert_tf.config import BertConfig, FeatureConfig
from bert_tf.data.sentence_spans import Sentences, by_text, split_sentences
from bert_tf.data.task_files.summaries import read_articles
from bert_tf.data.windows import make_windows
from bert_tf.modeling.task_model import HeadConfig, TaskModel
from bert_tf.tasks.oracle_sentences import MAX_SENTENCES, oracle_sentences
from bert_tf.tasks.rouge_tokenizer import RougeTokenizer
from bert_tf.tasks.sequences import count, raw_chunks
from bert_tf.tasks.sums import WeightedSums, classification_sums
from bert_tf.tasks.task import Answer, Batch, Example, Task

_CHUNK = 64  # examples that are tokenized together
_MAX_PIECES = 64  # of a sentence; what is beyond is not seen
_IN_SUMMARY = 1  # of the classes 0 and 1


class Framed(NamedTuple):
    """What windows show of sentences."""

    word_ids: tf.RaggedTensor  # int32 [W, (tokens)]
    type_ids: tf.RaggedTensor  # int32 [W, (tokens)]
    sentence: tf.RaggedTensor  # int64 [W, (tokens)], each token's, from 0 to N - 1
    # bool [W, (tokens)], for the [CLS] of sentences which the window is the one to judge
    is_judged: tf.RaggedTensor
    first_window: tf.Tensor  # int64 [B], the number of each article's first


class Summarisation(Task):
    """The sentences of an article that sum it up, in their order.

    Answers, of the three best sentences or of as many as there are: `sentences`, string
    [B, 3], `starts` and `ends`, int32 [B, 3], their bytes in the text, and `scores`,
    float32 [B, 3]. Where there are fewer, "" and zeros fill them up.
    """

    inputs: ClassVar = {"text": 1}
    main_metric = "rougeL"
    has_labels = False
    target_name = "a summary"
    has_windows = True

    @classmethod
    def read(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """See `read_articles`; a target is a summary, its sentences in lines."""
        return [
            Example({"text": article.text}, article.summary, article.line)
            for article in read_articles(path, columns)
        ]

    def make_model(self, config: BertConfig, features: FeatureConfig) -> keras.Model:
        """See Task."""
        head = HeadConfig("token_classifier", 2, of_tokens=True)
        return TaskModel(config, head, features)

    def encode(self, examples: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
        """See Task; a row is a window.

        `label`, int32 [S], is 1 at the [CLS] of an oracle's sentence, and `label_weight`,
        float32 [S], at that of each sentence which the window is the one to judge.
        Windows that judge none are left out.
        """
        frame = tf.function(self._frame, reduce_retracing=True)
        for chunk, inputs in raw_chunks(self, examples, size=_CHUNK):
            sentences, framed = frame(inputs["text"])
            is_chosen = np.concatenate(
                [
                    _is_chosen(texts, example.target)
                    for texts, example in zip(sentences.text.numpy(), chunk, strict=True)
                ]
            )
            sentence = framed.sentence.flat_values.numpy()
            is_judged = framed.is_judged.flat_values.numpy()
            arrays = {
                "input_word_ids": framed.word_ids.flat_values.numpy(),
                "input_mask": np.ones_like(sentence, np.int32),
                "input_type_ids": framed.type_ids.flat_values.numpy(),
                "label": (is_chosen[sentence] & is_judged).astype(np.int32),
                "label_weight": is_judged.astype(np.float32),
            }
            splits = framed.word_ids.row_splits.numpy()
            for start, end in itertools.pairwise(splits):
                if is_judged[start:end].any():
                    yield {
                        name: values[start:end].copy() for name, values in arrays.items()
                    } | {"weight": np.float32(1)}

    def num_cut(self, examples: Sequence[Example]) -> int:
        """How many have a sentence that is longer than what is seen of it; see Task."""

        def is_cut(inputs):
            sentences = split_sentences(inputs["text"]).text
            num_tokens = self.tokenizer.tokenize(sentences.flat_values).row_lengths()
            is_long = num_tokens > self._max_pieces
            return tf.reduce_any(sentences.with_flat_values(is_long), axis=1)

        return count(self, examples, is_cut, size=_CHUNK)

    def loss_weights(self, batch: Batch) -> dict[str, tf.Tensor]:
        """See Task."""
        return {"loss": tf.reduce_sum(_weights(batch))}

    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """See Task."""
        return classification_sums(outputs["logits"], batch["label"], _weights(batch))

    def pack(self, inputs: Batch) -> Batch:
        """See Task; each sentence is framed with [CLS] and [SEP]."""
        _, framed = self._frame(inputs["text"])
        packed = self._pack(framed)
        return {name: tf.gather(ids, framed.first_window) for name, ids in packed.items()}

    def answer_ids(self, model: keras.Model, packed: Batch) -> Batch:
        """See Task; `scores`, float32 [B, S], which are sentences' where [CLS] stands."""
        return {"scores": self._scores(model, packed)}

    def answer(self, model: keras.Model, inputs: Batch) -> Batch:
        """See Task."""
        sentences, framed = self._frame(inputs["text"])
        packed = self._pack(framed)
        scores = tf.boolean_mask(self._scores(model, packed), packed["input_mask"] > 0)
        is_judged = framed.is_judged.flat_values
        scores = tf.math.unsorted_segment_sum(  # of one each
            tf.boolean_mask(scores, is_judged),
            tf.boolean_mask(framed.sentence.flat_values, is_judged),
            tf.size(sentences.text.flat_values),
        )
        return _best(sentences, sentences.text.with_flat_values(scores))

    def to_plain(self, outputs: Mapping[str, np.ndarray], row: int) -> Answer:
        """What there is of sentences, and `summary`: their text, a line each."""
        num_sentences = np.count_nonzero(outputs["ends"][row])
        outputs = {name: values[:, :num_sentences] for name, values in outputs.items()}
        answer = super().to_plain(outputs, row)
        return {"summary": "\n".join(answer["sentences"])} | answer

    def metrics(
        self, answers: Sequence[Answer], examples: Sequence[Example]
    ) -> dict[str, float]:
        """F-measures of ROUGE-1, ROUGE-2 and ROUGE-L, this of sentences in lines.

        Of English they are those of the rouge_score package with stems; see
        RougeTokenizer for other scripts.
        """
        names = {"rouge1": "rouge1", "rouge2": "rouge2", "rougeL": "rougeLsum"}
        scorer = RougeScorer(list(names.values()), tokenizer=RougeTokenizer())
        scores = [
            scorer.score(example.target, answer["summary"])
            for answer, example in zip(answers, examples, strict=True)
        ]
        return {
            name: float(np.mean([score[original].fmeasure for score in scores]))
            for name, original in names.items()
        }

    @property
    def _max_pieces(self) -> int:
        """Of a sentence, beside [CLS] and [SEP]."""
        return min(_MAX_PIECES, self.config.max_seq_length - 2)

    def _scores(self, model: keras.Model, packed: Batch) -> tf.Tensor:
        """How probably what a token stands for is in the summary, float32 [B, S]."""
        return tf.nn.softmax(model(packed)["logits"])[:, :, _IN_SUMMARY]

    def _frame(self, text: tf.Tensor) -> tuple[Sentences, Framed]:
        """The sentences of texts [B] that have tokens, and what windows show of them."""
        sentences = split_sentences(text)
        length = self.config.max_seq_length
        pieces = self.tokenizer.tokenize(sentences.text.flat_values)
        has_tokens = pieces.row_lengths() > 0
        sentences = sentences.where(has_tokens)
        pieces = tf.ragged.boolean_mask(pieces, has_tokens)
        pieces = pieces[:, : self._max_pieces]
        column = tf.ones([pieces.nrows(), 1], tf.int32)
        first = column * self.tokenizer.vocabulary.cls_id
        last = column * self.tokenizer.vocabulary.sep_id
        pieces = tf.concat([first, pieces, last], axis=1)
        tokens = by_text(pieces, sentences.text)
        windows = make_windows(
            tokens.row_lengths(),
            tf.fill([tokens.nrows()], tf.constant(length, tf.int64)),
            # At most half of a window, lest a [CLS] be judged without its sentence.
            stride=min(self.config.doc_stride, length // 2),
        )
        # Of each token, the number of its sentence in all texts and in its own.
        sentence = pieces.value_rowids()
        in_text = tf.ragged.range(sentences.text.row_lengths()).flat_values
        number = tf.range(tf.size(sentence, tf.int64))
        is_first = tf.equal(number, tf.gather(pieces.row_starts(), sentence))
        seen = windows.take(tokens.with_flat_values(sentence))
        is_judged = windows.take(tokens.with_flat_values(is_first)).flat_values
        is_judged &= windows.has_most_context().flat_values
        type_ids = tf.cast(tf.gather(in_text, seen.flat_values) % 2, tf.int32)
        return sentences, Framed(
            word_ids=windows.take(tokens),
            type_ids=seen.with_flat_values(type_ids),
            sentence=seen,
            is_judged=seen.with_flat_values(is_judged),
            first_window=tf.cumsum(windows.num_windows, exclusive=True),
        )

    def _pack(self, framed: Framed) -> Batch:
        """The encoder's inputs, int32 [W, S]; S is 1 where no text has tokens."""
        num_tokens = framed.word_ids.row_lengths()
        length = tf.reduce_max(tf.concat([num_tokens, [1]], axis=0))
        shape = [framed.word_ids.nrows(), length]
        return {
            "input_word_ids": framed.word_ids.to_tensor(
                self.tokenizer.vocabulary.pad_id, shape=shape
            ),
            "input_mask": tf.sequence_mask(num_tokens, length, tf.int32),
            "input_type_ids": framed.type_ids.to_tensor(shape=shape),
        }


def _best(sentences: Sentences, scores: tf.RaggedTensor) -> Batch:
    """Those with the highest scores, in the order of the text.

    Args:
        sentences: of the texts.
        scores: float32 [B, (sentences)], from 0 to 1.
    """
    no_score = -1.0
    _, numbers = tf.math.top_k(_with_room(scores, no_score), MAX_SENTENCES)
    # What fills a text up comes after its sentences, and stays there.
    numbers = tf.sort(numbers, axis=1)
    values = {
        "sentences": sentences.text,
        "starts": sentences.starts,
        "ends": sentences.ends,
        "scores": scores,
    }
    return {
        name: tf.gather(_with_room(each), numbers, batch_dims=1)
        for name, each in values.items()
    }


def _with_room(values: tf.RaggedTensor, fill: float | None = None) -> tf.Tensor:
    """Values [B, (sentences)] filled up, with 0 or "", to the longest and 3 more."""
    dense = values.to_tensor(fill)
    room = tf.zeros([tf.shape(dense)[0], MAX_SENTENCES], dense.dtype)
    return tf.concat([dense, room if fill is None else tf.fill(tf.shape(room), fill)], 1)


def _is_chosen(sentences: np.ndarray, summary: str) -> np.ndarray:
    """Whether each of the sentences is one of an oracle's."""
    texts = [sentence.decode("utf-8", "replace") for sentence in sentences]
    is_chosen = np.zeros(len(texts), bool)
    is_chosen[oracle_sentences(texts, summary)] = True
    return is_chosen


def _weights(batch: Batch) -> tf.Tensor:
    return batch["label_weight"] * batch["weight"][:, tf.newaxis]
