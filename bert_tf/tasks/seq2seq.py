"""From text to text: translation, summaries, commands to actions.

Rothe et al. 2020, "Leveraging Pre-trained Checkpoints for Sequence Generation Tasks": an
encoder and a decoder that both begin as a BERT.

What is written is WordPieces joined to words with a space between them, in lower case
without accents if the tokenizer makes them so, and with signs of punctuation as words:
"I_JUMP, twice!" comes back as "i _ jump , twice !". Metrics compare it with the target's
words as the tokenizer splits them, which is the same form. A target with a word that no
WordPieces make up cannot be met: it has this word, and an answer would have [UNK].
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import sacrebleu
import tensorflow as tf
from rouge_score import rouge_scorer

from bert_tf.config import BertConfig, FeatureConfig, Sampling, TaskConfig
from bert_tf.data.task_files.text_pairs import is_scan, read_text_pairs
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import Vocabulary
from bert_tf.modeling.decoder import decoder_weights
from bert_tf.modeling.generation import search
from bert_tf.modeling.seq2seq_model import Seq2SeqModel
from bert_tf.tasks.sequences import encode_sequences
from bert_tf.tasks.sums import WeightedSums, classification_sums
from bert_tf.tasks.task import Answer, Batch, Example, Task

_CHUNK = 256  # examples that are tokenized together


class Seq2Seq(Task):
    """A text from a text.

    Answers: `generated`, string [B], and `score`, float32 [B], the logarithm of the
    probability that the model gives to it.

    Attributes:
        sampling: how texts are written; a served model keeps what it was exported with.
    """

    inputs: ClassVar = {"text": 1}
    main_metric = "exact_match"
    has_labels = False
    target_name = "a target"

    def __init__(self, config: TaskConfig, tokenizer: BertTokenizer):
        super().__init__(config, tokenizer)
        self.sampling = Sampling()

    @property
    def options(self) -> Mapping[str, Any]:
        """See Task."""
        return dataclasses.asdict(self.sampling)

    @property
    def max_target_length(self) -> int:
        """Tokens of the longest target, [SEP] included."""
        return self.config.max_seq_length

    @classmethod
    def read(cls, path: str, columns: Mapping[str, str]) -> list[Example]:
        """Reads a table or SCAN's lines; see Task. Targets are strings."""
        return [
            Example({"text": row.cells["text"]}, row.cells.get("target"), row.line)
            for row in read_text_pairs(path, columns=columns)
        ]

    def are_examples(self, lines: Sequence[str]) -> bool:
        """See Task."""
        return is_scan(lines[0])

    def make_model(self, config: BertConfig, features: FeatureConfig) -> keras.Model:
        """See Task; the decoder begins as the BERT, too."""
        return Seq2SeqModel(config, features)

    def warm_start(self, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Weights of a pretrained model with those that the decoder begins with.

        Args:
            weights: by our paths. Those of a decoder stay as they are.
        """
        return decoder_weights(weights) | dict(weights)

    def encode(self, examples: Sequence[Example]) -> Iterator[dict[str, np.ndarray]]:
        """See Task; `target_ids`, int32 [T], end with [SEP]; their weights are 1."""
        pairs = zip(
            encode_sequences(self, examples), self._encode_targets(examples), strict=True
        )
        for (_, row), target_ids in pairs:
            yield row | {
                "target_ids": target_ids,
                "target_weights": np.ones(target_ids.shape, np.float32),
            }

    def _encode_targets(self, examples: Sequence[Example]) -> Iterator[np.ndarray]:
        for start in range(0, len(examples), _CHUNK):
            targets = [example.target for example in examples[start : start + _CHUNK]]
            ids = self.tokenizer.tokenize(targets)[:, : self.max_target_length - 1]
            splits, flat = ids.row_splits.numpy(), ids.flat_values.numpy()
            end = [np.int32(self.tokenizer.vocabulary.sep_id)]
            for first, last in itertools.pairwise(splits):
                yield np.concatenate([flat[first:last], end])

    def num_cut(self, examples: Sequence[Example]) -> int:
        """How many have a source or a target that is too long; see Task."""
        total = 0
        for start in range(0, len(examples), _CHUNK):
            chunk = examples[start : start + _CHUNK]
            sources = self._num_tokens([example.inputs["text"] for example in chunk])
            targets = self._num_tokens([example.target or "" for example in chunk])
            # [CLS] and [SEP] of a source, [SEP] of a target.
            is_cut = (sources + 2 > self.config.max_seq_length) | (
                targets + 1 > self.max_target_length
            )
            total += int(np.sum(is_cut))
        return total

    def _num_tokens(self, texts: Sequence[str]) -> np.ndarray:
        return self.tokenizer.tokenize(texts).row_lengths().numpy()

    def loss_weights(self, batch: Batch) -> dict[str, tf.Tensor]:
        """See Task."""
        return {"loss": tf.reduce_sum(_token_weights(batch))}

    def weighted_sums(self, outputs: Batch, batch: Batch) -> WeightedSums:
        """See Task; of the target's tokens, each after those before it."""
        return classification_sums(
            outputs["logits"], batch["target_ids"], _token_weights(batch)
        )

    def answer_ids(self, model: keras.Model, packed: Batch) -> Batch:
        """See Task; the answers that the class tells of."""
        vocabulary = self.tokenizer.vocabulary
        length = self.max_target_length
        step, memory = model.begin(packed, length=length, num_beams=self.sampling.width)
        ids, scores = search(
            step,
            memory,
            packed["input_word_ids"][:, 0],  # [CLS]
            length=length,
            end_id=vocabulary.sep_id,
            sampling=self.sampling,
        )
        return {"generated": join_pieces(ids, vocabulary), "score": scores}

    def metrics(
        self, answers: Sequence[Answer], examples: Sequence[Example]
    ) -> dict[str, float]:
        """Exact match, ROUGE-L and BLEU, each from 0 to 1.

        Words are the tokenizer's: ROUGE-L is the mean F1 of the longest common
        subsequence of words (rouge_score, without its own tokenizer, which knows English
        letters alone), BLEU that of the corpus (sacrebleu without a tokenizer). Both are
        of texts as the module's docstring tells, so they are not those of papers that
        count otherwise.
        """
        received = [answer["generated"] for answer in answers]
        expected = self.normalise([example.target for example in examples])
        scorer = rouge_scorer.RougeScorer(["rougeL"], tokenizer=_Words())
        rouge = [
            scorer.score(target, text)["rougeL"].fmeasure
            for target, text in zip(expected, received, strict=True)
        ]
        bleu = sacrebleu.BLEU(tokenize="none", force=True)
        bleu_score = bleu.corpus_score(received, [expected]).score
        return {
            "exact_match": float(np.mean(np.equal(expected, received))),
            "rougeL": float(np.mean(rouge)),
            "bleu": min(bleu_score / 100, 1.0),  # for its rounding
        }

    def normalise(self, texts: Sequence[str]) -> list[str]:
        """Texts in the form of answers; see the module's docstring."""
        words = self.tokenizer.split_words(texts)
        joined = tf.strings.reduce_join(words, axis=1, separator=" ").numpy()
        return [text.decode() for text in joined]


class _Words:
    """A tokenizer for rouge_score."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()


def _token_weights(batch: Batch) -> tf.Tensor:
    return batch["target_weights"] * batch["weight"][:, None]


def join_pieces(ids: tf.Tensor, vocabulary: Vocabulary) -> tf.Tensor:
    """The text of WordPieces, in the graph.

    With the ids of [un, ##aff, ##able, ., [SEP], the]: "unaffable .".

    Args:
        ids: int32 [B, T]; what follows the first [SEP] is left out.
        vocabulary: of the ids.

    Returns:
        String [B].
    """
    is_end = tf.cast(tf.equal(ids, vocabulary.sep_id), tf.int32)
    is_text = tf.equal(tf.cumsum(is_end, axis=1), 0)
    pieces = [
        token.removeprefix("##") if _continues(token) else f" {token}"
        for token in vocabulary.tokens
    ]
    texts = tf.where(is_text, tf.gather(tf.constant(pieces), ids), "")
    return tf.strings.strip(tf.strings.reduce_join(texts, axis=1))


def _continues(token: str) -> bool:
    return token.startswith("##") and len(token) > len("##")
