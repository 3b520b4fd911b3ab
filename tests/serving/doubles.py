"""Tiny SavedModels with the signatures of exports, whose answers are easily foretold."""

import pathlib

import tensorflow as tf
import tensorflow_text as tf_text

MASK = "[MASK]"
WORDS = ["apple", "pear", "list"]
NUM_HIDDEN = 4


def text(*names, rank=1):
    return [tf.TensorSpec([None] * rank, tf.string, name=name) for name in names]


def save(folder: pathlib.Path, **functions) -> pathlib.Path:
    """Saves functions of tensors as signatures of a SavedModel.

    It is written beside its place and renamed, as an export is.
    """
    module = tf.Module()
    signatures = {}
    for name, (function, specs) in functions.items():
        concrete = tf.function(function, input_signature=specs, autograph=False)
        signatures[name] = concrete.get_concrete_function()
    unfinished = folder.with_name(f"tmp-{folder.name}")
    tf.saved_model.save(module, str(unfinished), signatures=signatures)
    unfinished.rename(folder)
    return folder


def version_of(number: int):
    """A signature that tells the number of its version, `number` [B], and the text."""

    def answer(text):
        return {"version": tf.fill(tf.shape(text), number), "text": text}

    return answer, text("text")


def fill_mask():
    """`WORDS`, at 0.7, 0.2 and 0.1, for each mask."""

    def answer(text):
        parts = tf.strings.split(tf.strings.regex_replace(text, r"\[MASK\]", "\1"), "\1")
        num_masks = tf.cast(parts.row_lengths(), tf.int32) - 1
        is_mask = tf.sequence_mask(num_masks)[:, :, tf.newaxis]
        return {
            "tokens": tf.where(is_mask, tf.constant(WORDS), ""),
            "probabilities": tf.where(is_mask, tf.constant([0.7, 0.2, 0.1]), 0.0),
            "num_masks": num_masks,
        }

    return answer, text("text")


def classify():
    """Spam at 0.9 if the text has "free" in it, or else ham at 0.75."""

    def answer(text):
        is_spam = tf.strings.regex_full_match(text, "(?is).*free.*")[:, tf.newaxis]
        labels = tf.tile(tf.constant([["ham", "spam"]]), [tf.size(text), 1])
        return {
            "label": tf.where(is_spam[:, 0], "spam", "ham"),
            "probabilities": tf.where(is_spam, [[0.1, 0.9]], [[0.75, 0.25]]),
            "labels": labels,
        }

    return answer, text("text")


def entities():
    """Words with a capital, NAME at 0.8; bytes are told as exports tell them."""
    tokenizer = tf_text.WhitespaceTokenizer()

    def answer(text):
        words, starts, ends = tokenizer.tokenize_with_offsets(text)
        is_name = tf.ragged.map_flat_values(
            tf.strings.regex_full_match, words, r"\p{Lu}.*"
        )
        names = tf.ragged.boolean_mask(words, is_name)
        return {
            "words": words.to_tensor(),
            "starts": tf.cast(starts.to_tensor(), tf.int32),
            "ends": tf.cast(ends.to_tensor(), tf.int32),
            "labels": tf.where(is_name.to_tensor(), "B-NAME", "O"),
            "scores": tf.fill(tf.shape(words.to_tensor()), 0.8),
            "entity_labels": tf.where(tf.not_equal(names.to_tensor(), ""), "NAME", ""),
            "entity_texts": names.to_tensor(),
            "entity_starts": _masked(starts, is_name),
            "entity_ends": _masked(ends, is_name),
            "entity_scores": tf.fill(tf.shape(names.to_tensor()), 0.8),
        }

    return answer, text("text")


def _masked(values, mask):
    return tf.cast(tf.ragged.boolean_mask(values, mask).to_tensor(), tf.int32)


def question_answering():
    """The last word of the context, after it the first; none if the question is empty."""
    tokenizer = tf_text.WhitespaceTokenizer()

    def answer(question, context):
        words, starts, ends = tokenizer.tokenize_with_offsets(context)
        starts, ends = tf.cast(starts, tf.int32), tf.cast(ends, tf.int32)
        has_answer = tf.not_equal(question, "")
        pick = [-1, 0]
        n_best = tf.stack(
            [words[:, at : at + 1 or None].to_tensor()[:, 0] for at in pick], 1
        )
        n_starts, n_ends = (
            tf.stack([part[:, at : at + 1 or None].to_tensor()[:, 0] for at in pick], 1)
            for part in (starts, ends)
        )
        size = tf.shape(question)
        return {
            "answer": tf.where(has_answer, n_best[:, 0], ""),
            "start": tf.where(has_answer, n_starts[:, 0], 0),
            "end": tf.where(has_answer, n_ends[:, 0], 0),
            "score": tf.fill(size, 7.5),
            "null_score": tf.where(has_answer, 1.0, 9.0),
            "n_best_answers": n_best,
            "n_best_starts": n_starts,
            "n_best_ends": n_ends,
            "n_best_scores": tf.tile([[7.5, 2.5]], [tf.size(question), 1]),
        }

    return answer, text("question", "context")


def score():
    """1 for equal texts, or else 0.25: the one output of its signature."""

    def answer(text, text_pair):
        return {"score": tf.where(tf.equal(text, text_pair), 1.0, 0.25)}

    return answer, text("text", "text_pair")


def choose():
    """The longest choice."""

    def answer(text, choices):
        lengths = tf.cast(tf.strings.length(choices), tf.float32)
        choice = tf.argmax(lengths, axis=1, output_type=tf.int32)
        return {
            "choice": choice,
            "choice_text": tf.gather(choices, choice, batch_dims=1),
            "probabilities": lengths / tf.reduce_sum(lengths, axis=1, keepdims=True),
        }

    return answer, [*text("text"), *text("choices", rank=2)]


def summarise():
    """The first sentence and the last; sentences end in ". "."""

    def answer(text):
        sentences = tf.strings.split(text, ". ")
        lengths = tf.ragged.map_flat_values(tf.strings.length, sentences)
        ends = tf.cumsum(lengths.to_tensor() + 2, axis=1) - 2
        starts = ends - lengths.to_tensor()
        last = tf.cast(sentences.row_lengths(), tf.int32) - 1
        pick = tf.stack([tf.zeros_like(last), last], axis=1)
        num_rows = tf.shape(text)[0]
        return {
            "sentences": tf.gather(sentences.to_tensor(), pick, batch_dims=1),
            "starts": tf.gather(starts, pick, batch_dims=1),
            "ends": tf.gather(ends, pick, batch_dims=1),
            "scores": tf.tile([[0.9, 0.6]], [num_rows, 1]),
        }

    return answer, text("text")


def write():
    """The text in capitals."""

    def answer(text):
        return {
            "generated": tf.strings.upper(text),
            "score": tf.fill(tf.shape(text), -1.5),
        }

    return answer, text("text")


def embed():
    """Vectors of the bytes' count and of 1."""

    def answer(text):
        length = tf.cast(tf.strings.length(text), tf.float32)
        vector = tf.stack([length, tf.ones_like(length)], axis=1)
        return {"pooled_output": vector, "mean_pooled_output": vector}

    return answer, text("text")


def preprocess():
    """A number of each word, between 2 for [CLS] and 3 for [SEP]."""
    tokenizer = tf_text.WhitespaceTokenizer()

    def answer(text):
        words = tokenizer.tokenize(
            tf.strings.regex_replace(tf.strings.lower(text), r"[.,]", "")
        )
        ids = words.with_flat_values(
            tf.strings.to_hash_bucket_fast(words.flat_values, 1000) + 10
        )
        rows = tf.fill([tf.size(text), 1], tf.constant(2, tf.int64))
        ids = tf.cast(tf.concat([rows, ids, rows + 1], axis=1).to_tensor(), tf.int32)
        return {
            "input_word_ids": ids,
            "input_mask": tf.cast(ids > 0, tf.int32),
            "input_type_ids": tf.zeros_like(ids),
        }

    return answer, text("text")


def encode():
    """Of each id a vector of it and of the mean of all ids: context matters."""
    names = ("input_word_ids", "input_mask", "input_type_ids")
    specs = [tf.TensorSpec([None, None], tf.int32, name=name) for name in names]

    def answer(input_word_ids, input_mask, input_type_ids):
        ids = tf.cast(input_word_ids, tf.float32) / 100 + tf.cast(
            input_type_ids, tf.float32
        )
        weights = tf.cast(input_mask, tf.float32)
        mean = tf.reduce_sum(ids * weights, 1, keepdims=True) / tf.reduce_sum(
            weights, 1, keepdims=True
        )
        mean = tf.broadcast_to(mean, tf.shape(ids))
        vectors = tf.stack([ids, mean, tf.sin(mean * 7), tf.cos(mean * 3)], axis=2)
        return {"sequence_output": vectors, "pooled_output": vectors[:, 0]}

    return answer, specs


def examples():
    """tf.Examples with a feature `text`: what classify is given, and regress."""

    def parse(inputs):
        features = {"text": tf.io.FixedLenFeature([], tf.string)}
        return tf.io.parse_example(inputs, features)["text"]

    def label(inputs):
        answer = classify()[0](parse(inputs))
        return {"classes": answer["labels"], "scores": answer["probabilities"]}

    def length(inputs):
        return {"outputs": tf.cast(tf.strings.length(parse(inputs)), tf.float32)}

    return {"label": (label, text("inputs")), "length": (length, text("inputs"))}
