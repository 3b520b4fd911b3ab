"""The examples of a bucket, by their properties and by the original's counts."""

import collections
import random
import statistics

import numpy as np
import pytest
import tensorflow as tf

from bert_tf import config
from bert_tf.data import documents, examples, readers, vocab
from tests.made_documents import TOKENS, examples_of, make_documents, payloads_of


def feature(example, name):
    found = tf.train.Example.FromString(example).features.feature[name]
    return list(found.int64_list.value or found.float_list.value)


def test_examples_do_not_depend_on_order_or_repetition_of_documents():
    payloads = payloads_of(make_documents(20))
    made, found = examples_of(payloads)
    shuffled = [*payloads, payloads[3], payloads[3], payloads[9]]
    random.Random(5).shuffle(shuffled)
    again, found_again = examples_of(shuffled)
    assert again == made
    assert found.counts["duplicate_documents"] == 0
    assert found_again.counts["duplicate_documents"] == 3
    assert found_again.counts["documents"] == found.counts["documents"] == 20


def test_each_pass_and_each_seed_draws_anew():
    payloads = payloads_of(make_documents(20))
    one, _ = examples_of(payloads, num_dupes=1)
    two, _ = examples_of(payloads, num_dupes=2)
    assert two[: len(one)] == one
    assert len(set(two)) == len(two)
    other, _ = examples_of(payloads, num_dupes=1, random_seed=2)
    assert not set(other) & set(one)


@pytest.mark.parametrize("feature_names", config.FEATURE_NAMES)
def test_an_unmasked_example_is_two_segments_of_documents(feature_names):
    read_documents = make_documents(20)
    payloads = payloads_of(read_documents)
    texts = {
        " ".join(map(str, documents.TokenizedDocument.from_bytes(payload).token_ids))
        for payload in payloads
    }
    ids_name, segments_name = {
        "original": ("input_ids", "segment_ids"),
        "model_garden": ("input_word_ids", "input_type_ids"),
    }[feature_names]
    made, _ = examples_of(payloads, feature_names=feature_names)
    for example in made:
        ids = feature(example, ids_name)
        for position, label, weight in zip(
            feature(example, "masked_lm_positions"),
            feature(example, "masked_lm_ids"),
            feature(example, "masked_lm_weights"),
            strict=True,
        ):
            if weight:
                ids[position] = label
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
        for segment in (first, second):
            assert any(" ".join(map(str, segment)) in text for text in texts)


def test_the_statistics_are_those_of_the_examples():
    made, found = examples_of(payloads_of(make_documents(30)))
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
    counts = found.counts
    assert tuple(counts) == examples.COUNTS
    assert counts["examples"] == len(made)
    assert counts["random_next"] == sum(
        feature(example, "next_sentence_labels")[0] for example in made
    )
    assert counts["predictions"] == sum(labels.values())
    assert counts["predictions"] == (
        counts["predictions_masked"]
        + counts["predictions_kept"]
        + counts["predictions_random"]
    )
    merged = examples.merge_statistics(
        [found, found, examples.Statistics.empty(len(TOKENS))]
    )
    assert merged.counts == {name: 2 * count for name, count in counts.items()}
    np.testing.assert_array_equal(merged.labels, 2 * found.labels)


def test_whole_words_are_masked_whole():
    made, _ = examples_of(
        payloads_of(make_documents(30)),
        do_whole_word_mask=True,
        max_predictions_per_seq=5,
    )
    for example in made:
        ids = feature(example, "input_word_ids")
        chosen = set()
        for position, label, weight in zip(
            feature(example, "masked_lm_positions"),
            feature(example, "masked_lm_ids"),
            feature(example, "masked_lm_weights"),
            strict=True,
        ):
            if weight:
                ids[position] = label
                chosen.add(position)
        for position in range(2, 16):
            is_continued = TOKENS[ids[position]].startswith("##")
            if is_continued and TOKENS[ids[position - 1]] not in ("[CLS]", "[SEP]"):
                assert (position in chosen) == (position - 1 in chosen)


def test_generators_differ_by_everything_that_names_them():
    draws = [
        examples.random_generator(*names).random()
        for names in [
            (1, b"a" * 16, 0, "pairs"),
            (2, b"a" * 16, 0, "pairs"),
            (1, b"b" * 16, 0, "pairs"),
            (1, b"a" * 16, 1, "pairs"),
            (1, b"a" * 16, 0, "masks"),
        ]
    ]
    assert len(set(draws)) == len(draws)
    again = examples.random_generator(1, b"a" * 16, 0, "pairs").random()
    assert again == draws[0]


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
    """The vocabulary and the payloads of the original's sample text."""
    path = shared / "data/pretrain/google_bert_sample_text.txt"
    vocabulary = vocab.load_vocabulary(shared / "data/vocab/bert-base-uncased-vocab.txt")
    with path.open("rb") as stream:
        part = documents.ByteRange(str(path), 0, None)
        found = list(readers.read_documents(stream, part, input_format="sentences"))
    return vocabulary, payloads_of(found, vocabulary)


@pytest.mark.parametrize(("changes", "original"), ORIGINAL_COUNTS)
def test_counts_are_distributed_as_the_originals(google_sample, changes, original):
    vocabulary, payloads = google_sample
    draws = []
    for seed in range(30):
        settings = config.PretrainingDataConfig(random_seed=seed, **changes)
        _, found = examples.ExampleMaker(settings, vocabulary).bucket_examples(
            payloads, num_dupes=settings.dupe_factor, on_pass_done=lambda: None
        )
        counts = found.counts
        draws.append((counts["examples"], counts["random_next"], counts["predictions"]))
    for ours, theirs in zip(zip(*draws, strict=True), original, strict=True):
        # One draw of theirs and the mean of ours, were they from one distribution.
        deviation = statistics.stdev(ours) * (1 + 1 / len(ours)) ** 0.5
        assert abs(theirs - statistics.mean(ours)) < 3 * deviation


def test_unknown_tokens_are_counted():
    document = documents.Document(
        path="x", offset=0, num_bytes=1, text=b"a zebra b\nzoo zoo c\nd"
    )

    _, found = examples_of(payloads_of([document]), num_dupes=1)

    assert (found.counts["tokens"], found.counts["unknown_tokens"]) == (7, 3)
