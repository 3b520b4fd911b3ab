"""The examples of a bucket, by their properties and by the original's counts."""

import collections
import dataclasses
import functools
import itertools
import operator
import random
import statistics

import numpy as np
import pytest
import tensorflow as tf

from bert_tf import config
from bert_tf.data import documents, examples, readers, tokenized, vocab
from bert_tf.data.examples import Statistics
from tests.made_documents import (
    TOKENS,
    document_of,
    make_documents,
    shard_of,
    tokenize,
)


def feature(example, name):
    found = tf.train.Example.FromString(example).features.feature[name]
    return list(found.int64_list.value or found.float_list.value)


def unmasked(example, ids_name="input_word_ids"):
    """The ids before masking, with padding."""
    ids = feature(example, ids_name)
    for position, label, weight in zip(
        feature(example, "masked_lm_positions"),
        feature(example, "masked_lm_ids"),
        feature(example, "masked_lm_weights"),
        strict=True,
    ):
        if weight:
            ids[position] = label
    return ids


def test_examples_do_not_depend_on_order_or_repetition_of_documents():
    read = make_documents(20)
    made, found = shard_of(tokenize(read))
    shuffled = [*read, read[3], read[3], read[9]]
    random.Random(5).shuffle(shuffled)
    again, found_again = shard_of(tokenize(shuffled))
    assert again == made
    assert found.counts["duplicate_documents"] == 0
    assert found_again.counts["duplicate_documents"] == 3
    assert found_again.counts["documents"] == found.counts["documents"] == 20


def test_kept_duplicates_are_drawn_for_anew():
    read = make_documents(20)
    once, _ = shard_of(tokenize(read))
    twice, found = shard_of(tokenize(read + read), keep_duplicates=True)
    assert found.counts["documents"] == 40
    assert found.counts["duplicate_documents"] == 0
    assert len(twice) > 1.5 * len(once)
    assert len(set(twice)) == len(twice)


def test_each_pass_and_each_seed_draws_anew():
    tokens = tokenize(make_documents(20))
    first, _ = shard_of(tokens)
    second, _ = shard_of(tokens, dupe=1)
    other, _ = shard_of(tokens, random_seed=2)
    assert shard_of(tokens)[0] == first
    assert len({*first, *second, *other}) == len(first) + len(second) + len(other)


@pytest.mark.parametrize("feature_names", config.FEATURE_NAMES)
def test_an_unmasked_example_is_two_segments_of_documents(feature_names):
    tokens = tokenize(make_documents(20))
    ends = tokens.sentence_splits[tokens.document_splits]
    texts = {
        " ".join(map(str, tokens.token_ids[start:stop]))
        for start, stop in itertools.pairwise(ends)
    }
    ids_name, segments_name = {
        "original": ("input_ids", "segment_ids"),
        "model_garden": ("input_word_ids", "input_type_ids"),
    }[feature_names]
    made, _ = shard_of(tokens, feature_names=feature_names)
    for example in made:
        ids = unmasked(example, ids_name)
        length = sum(feature(example, "input_mask"))
        assert feature(example, "input_mask") == [1] * length + [0] * (16 - length)
        segments = feature(example, segments_name)
        num_second = sum(segments)
        num_first = length - num_second
        assert segments == [0] * num_first + [1] * num_second + [0] * (16 - length)
        cls, *first, first_sep = ids[:num_first]
        *second, second_sep = ids[num_first:length]
        assert (cls, first_sep, second_sep) == (2, 3, 3)
        assert ids[length:] == [0] * (16 - length)
        found_in = [
            {text for text in texts if " ".join(map(str, segment)) in text}
            for segment in (first, second)
        ]
        assert all(found_in)
        if not feature(example, "next_sentence_labels")[0]:
            assert set.intersection(*found_in)


def test_single_segments_use_every_token_once():
    tokens = tokenize(make_documents(20))
    made, found = shard_of(tokens, next_sentence=False)
    used = collections.Counter()
    for example in made:
        assert (
            "next_sentence_labels"
            not in tf.train.Example.FromString(example).features.feature
        )
        assert not any(feature(example, "input_type_ids"))
        length = sum(feature(example, "input_mask"))
        cls, *segment, sep = unmasked(example)[:length]
        assert (cls, sep) == (2, 3)
        used.update(segment)
    assert used == collections.Counter(tokens.token_ids.tolist())
    assert found.counts["random_next"] == 0


def test_dynamic_examples_are_the_static_ones_without_masks():
    tokens = tokenize(make_documents(20))
    static, _ = shard_of(tokens)
    dynamic, found = shard_of(tokens, masking="dynamic")
    for masked, plain in zip(static, dynamic, strict=True):
        length = sum(feature(masked, "input_mask"))
        assert feature(plain, "input_word_ids") == unmasked(masked)[:length]
        num_second = sum(feature(masked, "input_type_ids"))
        assert feature(plain, "second_segment_start") == [length - num_second]
    keys = [feature(plain, "example_key")[0] for plain in dynamic]
    assert keys == sorted(set(keys))
    assert found.counts["predictions"] > 0
    held_out, _ = shard_of(tokens, masking="dynamic", is_held_out=True)
    assert held_out == static


def test_the_statistics_are_those_of_the_examples():
    tokens = tokenize(make_documents(30))
    made, found = shard_of(tokens)
    labels = collections.Counter(
        label
        for example in made
        for label, weight in zip(
            feature(example, "masked_lm_ids"),
            feature(example, "masked_lm_weights"),
            strict=True,
        )
        if weight
    )
    assert {token: count for token, count in enumerate(found.labels) if count} == labels
    lengths = [sum(feature(example, "input_mask")) for example in made]
    assert found.example_tokens.tolist() == [lengths.count(n) for n in range(17)]
    counts = found.counts
    assert tuple(counts) == examples.COUNTS
    assert counts["examples"] == len(made)
    assert counts["example_tokens"] == sum(lengths)
    assert counts["random_next"] == sum(
        feature(example, "next_sentence_labels")[0] for example in made
    )
    assert counts["predictions"] == sum(labels.values())
    assert counts["predictions"] == (
        counts["predictions_masked"]
        + counts["predictions_kept"]
        + counts["predictions_random"]
    )
    first = found.samples[0]
    assert len(found.samples) == examples.NUM_SAMPLES
    # Views would keep the arrays of whole shards in memory.
    for sample in found.samples:
        assert all(
            array.base is None
            for array in (sample.input_ids, sample.positions, sample.labels)
        )
    assert first.input_ids.tolist() == feature(made[0], "input_word_ids")[: lengths[0]]
    assert first.labels.tolist() == [
        label for label in feature(made[0], "masked_lm_ids") if label
    ]


def test_documents_are_counted_by_their_tokens_and_words():
    read = [
        document_of("a def", "b"),
        document_of("zebra c", "zoo"),
        document_of("d", "b"),
    ]
    _, found = shard_of(tokenize(read))
    assert found.counts["sentences"] == 6
    assert (found.counts["tokens"], found.counts["unknown_tokens"]) == (10, 2)
    words = {TOKENS[token]: count for token, count in enumerate(found.words) if count}
    assert words == {"a": 1, "b": 2, "c": 1, "d": 1, "[UNK]": 2}
    # Sentences of 4, 1, 2, 1, 1 and 1 tokens; documents of 5, 3 and 2.
    assert found.sentence_tokens[:4].tolist() == [4, 1, 1, 0]
    assert found.document_tokens[:4].tolist() == [0, 2, 1, 0]
    assert found.sentences.repeated_share == pytest.approx(1 / 6)  # "b" came twice


def test_statistics_add_up_in_any_order():
    tokens = tokenize(make_documents(40)).sort()
    parts = [shard_of(tokens.slice(start, start + 10))[1] for start in range(0, 40, 10)]
    forward = functools.reduce(operator.add, parts)
    empty = Statistics.empty(vocab_size=len(TOKENS), max_seq_length=16)
    backward = functools.reduce(operator.add, parts[::-1], empty)
    for field in dataclasses.fields(Statistics):
        one, two = (getattr(each, field.name) for each in (forward, backward))
        if field.name == "samples":
            assert [each.key for each in one] == [each.key for each in two]
        elif field.name == "sentences":
            np.testing.assert_array_equal(one.counts, two.counts)
        else:
            np.testing.assert_equal(one, two)
    assert forward.counts["documents"] == 40
    keys = sorted(sample.key for part in parts for sample in part.samples)
    assert [sample.key for sample in forward.samples] == keys[: examples.NUM_SAMPLES]


def test_no_documents_are_no_examples():
    made, found = shard_of(tokenized.empty(len(TOKENS)))
    assert made == []
    assert set(found.counts.values()) == {0}


def test_whole_words_are_masked_whole():
    made, _ = shard_of(
        tokenize(make_documents(30)), do_whole_word_mask=True, max_predictions_per_seq=5
    )
    for example in made:
        ids = unmasked(example)
        chosen = {each for each in feature(example, "masked_lm_positions") if each}
        for position in range(2, 16):
            is_continued = TOKENS[ids[position]].startswith("##")
            if is_continued and TOKENS[ids[position - 1]] not in ("[CLS]", "[SEP]"):
                assert (position in chosen) == (position - 1 in chosen)


# What google-research/bert made of its own sample, once for each setting: examples,
# random nexts, predictions.
ORIGINAL_COUNTS = [
    ({"dupe_factor": 5}, (60, 32, 922)),
    ({"dupe_factor": 10}, (118, 64, 1839)),
    ({"dupe_factor": 5, "do_whole_word_mask": True}, (64, 37, 978)),
    (
        {"dupe_factor": 5, "max_seq_length": 64, "max_predictions_per_seq": 10},
        (95, 63, 871),
    ),
    (
        {"dupe_factor": 5, "max_seq_length": 512, "max_predictions_per_seq": 77},
        (38, 29, 1277),
    ),
]


@pytest.fixture(scope="module")
def google_sample(shared):
    """The vocabulary and the tokens of the original's sample text."""
    path = shared / "data/pretrain/google_bert_sample_text.txt"
    vocabulary = vocab.load_vocabulary(shared / "data/vocab/bert-base-uncased-vocab.txt")
    with path.open("rb") as stream:
        part = documents.ByteRange(str(path), 0, None)
        found = list(readers.read_documents(stream, part, input_format="sentences"))
    return vocabulary, tokenize(found, vocabulary)


@pytest.mark.parametrize(("changes", "original"), ORIGINAL_COUNTS)
def test_counts_are_distributed_as_the_originals(google_sample, changes, original):
    vocabulary, tokens = google_sample
    draws = []
    for seed in range(30):
        settings = config.PretrainingDataConfig(random_seed=seed, **changes)
        maker = examples.ExampleMaker(settings, vocabulary)
        used = maker.distinct(tokens)
        counts = collections.Counter()
        for dupe in range(settings.dupe_factor):
            counts += maker.make_shard(used, dupe=dupe, is_held_out=False)[1].counts
        draws.append((counts["examples"], counts["random_next"], counts["predictions"]))
    for ours, theirs in zip(zip(*draws, strict=True), original, strict=True):
        # One draw of theirs and the mean of ours, were they from one distribution.
        deviation = statistics.stdev(ours) * (1 + 1 / len(ours)) ** 0.5
        assert abs(theirs - statistics.mean(ours)) < 3 * deviation
