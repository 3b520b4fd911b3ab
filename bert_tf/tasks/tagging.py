"""A label for each word: parts of speech, and named entities.

Devlin et al. 2019, section 5.3: a word's label is read off its first WordPiece.

Shapes: B texts, (words) and (pieces) of a text, W words of the text with the most, E
entities of the one with the most, N windows, S tokens of the longest, O labels.
"""

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
from seqeval import metrics as seqeval_metrics

from bert_tf.config import BertConfig, FeatureConfig, TaskConfig
from bert_tf.data.packing import ENCODER_INPUTS, pack_single
from bert_tf.data.task_files.conll import read_sentences
from bert_tf.data.task_files.opening import wrong
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.windows import Windows, make_windows
from bert_tf.errors import UserError
from bert_tf.modeling.task_model import HeadConfig, TaskModel
from bert_tf.tasks.entities import (
    all_iob2,
    are_entity_labels,
    first_misfit,
    merge_entities,
    to_iob2,
)
from bert_tf.tasks.sequences import raw_chunks, without_padding
from bert_tf.tasks.sums import WeightedSums, classification_sums
from bert_tf.tasks.task import Answer, Batch, Example, Task

_CHUNK = 256  # sentences that are tokenized together
_ENTITY_PREFIX = "entity_"
_PREFIX = re.compile("^[A-Z]-")  # of entities' labels


@dataclasses.dataclass(frozen=True)
class _Sentences:
    pieces: tf.RaggedTensor  # int32 [B, (pieces)]
    first: tf.RaggedTensor  # int64 [B, (words)], first pieces, counted over all texts


class Tagging(Task):
    """A label for each word, and the entities that labels such as B-PER tell of.

    Words are seen through windows where a sentence is longer than the model; each is
    judged in the one in which its first piece has most context.

    Answers to words: `labels`, string [B, W], and `scores`, float32 [B, W], their
    probabilities. Of entities, if the labels tell of any: `entity_labels`, string
    [B, E], the types; `entity_first` and `entity_last`, int32 [B, E], words counted from
    0; and `entity_scores`, float32 [B, E], the means of the words'.

    Answers to raw text: `words`, string [B, W], as they are written; `starts` and
    `ends`, int32 [B, W], the first byte and the one after the last; `labels` and
    `scores` as above; and `entity_labels`, `entity_texts`, `entity_starts`,
    `entity_ends` and `entity_scores`, [B, E].

    Rows are filled up with "" and 0.
    """

    inputs: ClassVar = {"words": 2}
    raw_inputs: ClassVar = {"text": 1}
    has_windows = True
    reads_objects = False

    def __init__(self, config: TaskConfig, tokenizer: BertTokenizer):
        super().__init__(config, tokenizer)
        self.has_entities = are_entity_labels(config.labels)

    @property
    def main_metric(self) -> str:
        """F1 of entities, or accuracy where the labels tell of none."""
        return "f1" if self.has_entities else "accuracy"

    @classmethod
    def read(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """Reads CoNLL or CoNLL-U, see `read_sentences`; entities' labels become IOB2."""
        sentences = read_sentences(path, columns=columns)
        labels = [label for each in sentences for label in each.labels or ()]
        misfit = first_misfit(labels)
        if misfit is not None:
            lines = [line for sentence in sentences for line in sentence.lines]
            raise wrong(
                path,
                lines[misfit],
                f"expected O or a label such as B-PER, as on other lines, received "
                f"{labels[misfit]!r}; mend the line.",
            )
        has_entities = are_entity_labels(labels)
        return [
            Example(
                {"words": sentence.words},
                to_iob2(sentence.labels) if has_entities else sentence.labels,
                sentence.lines[0],
                sentence.lines,
            )
            for sentence in sentences
        ]

    def are_examples(self, lines: Sequence[str]) -> bool:
        """See Task; the last of equally many columns is a label, of whatever scheme."""
        rows = [line.split() for line in lines]
        width = len(rows[0])
        kinds = {_PREFIX.sub("", label) for label in self.config.labels}
        return width > 1 and all(
            len(row) == width and _PREFIX.sub("", row[-1]) in kinds for row in rows
        )

    @classmethod
    def labels_of(cls, examples: Sequence[Example]) -> tuple[str, ...]:
        """See Task; of each type of entities both B- and I-, should one be rare."""
        labels = super().labels_of(examples)
        if not are_entity_labels(labels):
            return labels
        return tuple(sorted(all_iob2(labels)))

    @property
    def known_labels(self) -> Collection[str]:
        """See Task; those of entities as files are read, whatever the model's are."""
        labels = self.config.labels
        return all_iob2(labels) if self.has_entities else super().known_labels

    @classmethod
    def target_labels(cls, example: Example) -> Iterable[str]:
        """Of all words."""
        return example.target

    def make_model(self, config: BertConfig, features: FeatureConfig) -> keras.Model:
        """See Task."""
        head = HeadConfig("token_classifier", len(self.config.labels), of_tokens=True)
        return TaskModel(config, head, features)

    def encode(self, examples: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
        """See Task; a window a row.

        `label`, int32 [S], and `label_weight`, float32 [S], are 0 but at the first pieces
        of words. A window without any is left out: nothing is learnt from it.
        """
        encode_words = tf.function(self._encode_words, reduce_retracing=True)
        ids = {label: number for number, label in enumerate(self.config.labels)}
        missing = sorted(self.known_labels - ids.keys())
        if missing:
            raise UserError(
                f"labels: expected {', '.join(missing)} too, since entities are learnt "
                f"as IOB2, received {', '.join(ids)}; add them, or leave --labels out."
            )
        for chunk, inputs in raw_chunks(self, examples, size=_CHUNK):
            targets = [label for example in chunk for label in example.target]
            labels = np.array([ids[label] for label in targets], np.int32)
            weights = np.array(
                [self.class_weights.get(label, 1.0) for label in targets], np.float32
            )
            arrays = {
                name: v.numpy() for name, v in encode_words(inputs["words"]).items()
            }
            words = arrays["word"]
            is_word = words >= 0
            arrays["label"] = np.where(is_word, labels[words], 0)
            arrays["label_weight"] = np.where(is_word, weights[words], 0)
            names = (*ENCODER_INPUTS, "label", "label_weight")
            for row in np.flatnonzero(is_word.any(axis=1)):
                yield without_padding(arrays, row, names)

    def loss_weights(self, batch: Batch) -> dict[str, tf.Tensor]:
        """See Task."""
        return {"loss": tf.reduce_sum(_weights(batch))}

    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """See Task."""
        return classification_sums(outputs["logits"], batch["label"], _weights(batch))

    def answer(self, model: keras.Model, inputs: Batch) -> Batch:
        """See Task."""
        sentences = self._split_words(inputs["words"])
        label_ids, scores = self._tag(model, sentences)
        labels = tf.gather(tf.constant(self.config.labels), label_ids)
        shape = tf.shape(inputs["words"])
        answer = {
            "labels": labels.to_tensor(shape=shape),
            "scores": scores.to_tensor(shape=shape),
        }
        if self.has_entities:
            entities = merge_entities(label_ids, scores, self.config.labels)
            answer |= {
                "entity_labels": entities.type.to_tensor(),
                "entity_first": tf.cast(entities.first.to_tensor(), tf.int32),
                "entity_last": tf.cast(entities.last.to_tensor(), tf.int32),
                "entity_scores": entities.score.to_tensor(),
            }
        return answer

    def answer_ids(self, model: keras.Model, packed: Batch) -> Batch:
        """See Task; `probabilities` of the labels at each token, float32 [B, S, O]."""
        return {"probabilities": tf.nn.softmax(model(packed)["logits"])}

    def answer_raw(self, model: keras.Model, inputs: Batch) -> Batch:
        """See Task; a word begins at each piece that does not begin with ##."""
        text = inputs["text"]
        sentences, starts, ends = self._split_text(text)
        label_ids, scores = self._tag(model, sentences)
        labels = tf.gather(tf.constant(self.config.labels), label_ids)
        answer = {
            "words": _substrings(text, starts, ends).to_tensor(),
            "starts": starts.to_tensor(),
            "ends": ends.to_tensor(),
            "labels": labels.to_tensor(),
            "scores": scores.to_tensor(),
        }
        if self.has_entities:
            entities = merge_entities(label_ids, scores, self.config.labels)
            starts = tf.gather(starts, entities.first, batch_dims=1)
            ends = tf.gather(ends, entities.last, batch_dims=1)
            answer |= {
                "entity_labels": entities.type.to_tensor(),
                "entity_texts": _substrings(text, starts, ends).to_tensor(),
                "entity_starts": starts.to_tensor(),
                "entity_ends": ends.to_tensor(),
                "entity_scores": entities.score.to_tensor(),
            }
        return answer

    def to_plain(self, outputs: Mapping[str, np.ndarray], row: int) -> Answer:
        """`labels` and `scores`, and `entities`, each a dictionary; or of raw text more.

        A dictionary's names are those of the entities' outputs: `label` of
        `entity_labels`, `first` of `entity_first`.
        """
        answer = super().to_plain(outputs, row)
        num_words = _num_filled(answer["labels"])
        plain: dict[str, Any] = {
            name: values[:num_words]
            for name, values in answer.items()
            if not name.startswith(_ENTITY_PREFIX)
        }
        if self.has_entities:
            num_entities = _num_filled(answer["entity_labels"])
            columns = {
                name.removeprefix(_ENTITY_PREFIX).removesuffix("s"): values
                for name, values in answer.items()
                if name.startswith(_ENTITY_PREFIX)
            }
            plain["entities"] = [
                {name: values[number] for name, values in columns.items()}
                for number in range(num_entities)
            ]
        return plain

    def metrics(
        self, answers: Sequence[Answer], examples: Sequence[Example]
    ) -> dict[str, float]:
        """Accuracy of words; precision, recall and F1 of entities, as conlleval counts.

        An entity is right if its first word, its last and its type are. Words' labels are
        compared as they are; of a model that has others than IOB2's, as IOB2.
        """
        expected = [list(example.target) for example in examples]
        received = [answer["labels"] for answer in answers]
        has_iob2 = set(self.config.labels) <= all_iob2(self.config.labels)
        if self.has_entities and not has_iob2:
            received = [to_iob2(labels) for labels in received]
        figures = {"accuracy": seqeval_metrics.accuracy_score(expected, received)}
        if self.has_entities:
            received = [to_iob2(labels) for labels in received]
            for name, score in (
                ("precision", seqeval_metrics.precision_score),
                ("recall", seqeval_metrics.recall_score),
                ("f1", seqeval_metrics.f1_score),
            ):
                figures[name] = score(expected, received, zero_division=0)
        return {name: float(value) for name, value in figures.items()}

    def _split_words(self, words: tf.Tensor) -> _Sentences:
        """Of words [B, W]; what is empty at the end of a row is no word."""
        words = tf.RaggedTensor.from_tensor(words, padding="")
        pieces = self._or_unknown(self.tokenizer.tokenize(words.flat_values))
        return _Sentences(
            words.with_values(pieces).merge_dims(1, 2),
            words.with_values(pieces.row_starts()),
        )

    def _or_unknown(self, pieces: tf.RaggedTensor) -> tf.RaggedTensor:
        """[UNK] for words without pieces, such as one of control characters alone."""
        num_unknown = tf.cast(tf.equal(pieces.row_lengths(), 0), tf.int64)
        unknown = tf.RaggedTensor.from_row_lengths(
            tf.fill([tf.reduce_sum(num_unknown)], self.tokenizer.vocabulary.unk_id),
            num_unknown,
        )
        return tf.concat([pieces, unknown], axis=1)

    def _split_text(
        self, text: tf.Tensor
    ) -> tuple[_Sentences, tf.RaggedTensor, tf.RaggedTensor]:
        """Of text [B]; with each word's first byte and the byte after its last."""
        pieces, starts, ends = self.tokenizer.tokenize_with_offsets(text)
        is_first_table = tf.constant(
            [not token.startswith("##") for token in self.tokenizer.vocabulary.tokens]
        )
        is_first = tf.gather(is_first_table, pieces.flat_values)
        first = tf.where(is_first)[:, 0]
        last = tf.concat([first, [tf.size(is_first, tf.int64)]], axis=0)[1:] - 1
        words = tf.RaggedTensor.from_value_rowids(
            first, tf.gather(pieces.value_rowids(), first), nrows=pieces.nrows()
        )
        return (
            _Sentences(pieces, words),
            words.with_values(tf.gather(starts.flat_values, first)),
            words.with_values(tf.gather(ends.flat_values, last)),
        )

    def _windows(self, pieces: tf.RaggedTensor) -> Windows:
        lengths = pieces.row_lengths()
        num_special = 2  # [CLS] and [SEP]
        capacity = tf.fill(
            tf.shape(lengths),
            tf.constant(self.config.max_seq_length - num_special, tf.int64),
        )
        return make_windows(lengths, capacity, stride=self.config.doc_stride)

    def _pack(self, pieces: tf.RaggedTensor) -> Batch:
        return pack_single(
            pieces,
            self.tokenizer.vocabulary,
            max_seq_length=self.config.max_seq_length,
        )

    def _encode_words(self, words: tf.Tensor) -> Batch:
        """The encoder's inputs of all windows, and `word`, int64 [N, S].

        It is the number of the word that begins at a piece, counted over all texts; -1
        elsewhere.
        """
        sentences = self._split_words(words)
        pieces, first = sentences.pieces, sentences.first.flat_values
        windows = self._windows(pieces)
        num_words = tf.size(first, tf.int64)
        num_pieces = tf.size(pieces.flat_values, tf.int64)
        word = tf.scatter_nd(
            first[:, tf.newaxis], tf.range(num_words) + 1, num_pieces[tf.newaxis]
        )
        seen = windows.take(pieces.with_values(word - 1)).to_tensor(-1)
        framed = tf.pad(seen, [[0, 0], [1, 1]], constant_values=-1)
        return self._pack(windows.take(pieces)) | {"word": framed}

    def _tag(
        self, model: keras.Model, sentences: _Sentences
    ) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Of each word the label's number, int32, and its probability, float32."""
        windows = self._windows(sentences.pieces)
        logits = model(self._pack(windows.take(sentences.pieces)))["logits"]
        # Where among all that is seen a piece is judged, which it is once.
        seen = windows.tokens()
        judged = tf.where(windows.has_most_context().flat_values)[:, 0]
        of_piece = tf.math.invert_permutation(tf.gather(seen.flat_values, judged))
        position = tf.gather(judged, tf.gather(of_piece, sentences.first.flat_values))
        window = tf.gather(seen.value_rowids(), position)
        token = position - tf.gather(seen.row_starts(), window) + 1  # after [CLS]
        logits = tf.gather_nd(logits, tf.stack([window, token], axis=1))
        label_ids = tf.argmax(logits, axis=-1, output_type=tf.int32)
        scores = tf.reduce_max(tf.nn.softmax(logits), axis=-1)
        words = sentences.first
        return words.with_values(label_ids), words.with_values(scores)


def _weights(batch: Batch) -> tf.Tensor:
    return batch["label_weight"] * batch["weight"][:, tf.newaxis]


def _substrings(
    text: tf.Tensor, starts: tf.RaggedTensor, ends: tf.RaggedTensor
) -> tf.RaggedTensor:
    """Parts of text [B] from bytes to bytes, [B, (parts)] each.

    tf.strings.substr would copy a text for each of its parts.
    """
    return tf_text.ByteSplitter().split_by_offsets(text, starts, ends)


def _num_filled(values: Sequence[str]) -> int:
    """How many there are before the padding."""
    return sum(1 for value in values if value)
