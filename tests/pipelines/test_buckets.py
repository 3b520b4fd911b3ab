"""Splits and buckets: each key is in one, whatever else changes."""

import dataclasses
import itertools
import random

import pytest
from hypothesis import given, strategies

from bert_tf import config
from pipelines import buckets
from pipelines.buckets import Bucket

CONFIG = config.PretrainingDataConfig(dupe_factor=3)
fractions = strategies.floats(0, 0.99)
sizes = strategies.integers(0, 3 * buckets.TOKENS_PER_BUCKET)


@given(fractions, sizes, sizes, strategies.integers(1, 100) | strategies.none())
def test_buckets_hold_every_key_once(fraction, num_train, num_held_out, num_buckets):
    planned = buckets.plan_buckets(
        {"train": num_train, "held_out": num_held_out},
        held_out_fraction=fraction,
        num_train_buckets=num_buckets,
    )
    ranges = sorted(bucket.keys(fraction) for bucket in planned)
    # Split by split, the held-out one first; an empty range where its share is tiny.
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 2**64
    assert all(one[1] == other[0] for one, other in itertools.pairwise(ranges))
    assert len(planned) == len({*planned})
    if num_buckets:
        assert sum(bucket.split == "train" for bucket in planned) == num_buckets


def test_a_document_is_in_one_split_whatever_the_fraction():
    keys = [random.Random(number).getrandbits(64) for number in range(4000)]

    def held_out(fraction):
        first, stop = buckets.split_keys("held_out", fraction)
        assert buckets.split_keys("train", fraction) == (stop, 2**64)
        return {key for key in keys if first <= key < stop}

    assert len(held_out(0.1)) == pytest.approx(400, abs=4 * 19)  # binomial deviation
    assert held_out(0.1) < held_out(0.2)
    assert held_out(0) == set()


def test_the_number_of_buckets_follows_from_the_number_of_tokens():
    def plan(num_tokens, fraction):
        return buckets.plan_buckets(
            num_tokens, held_out_fraction=fraction, num_train_buckets=None
        )

    full = buckets.TOKENS_PER_BUCKET
    assert plan({"train": 2 * full, "held_out": 5}, 0.1) == [
        Bucket("train", 0, 2),
        Bucket("train", 1, 2),
        Bucket("held_out", 0, 1),
    ]
    assert len(plan({"train": 2 * full + 1, "held_out": 0}, 0)) == 3
    assert plan({"train": 0, "held_out": 0}, 0.1) == [
        Bucket("train", 0, 1),
        Bucket("held_out", 0, 1),
    ]


def test_each_pass_over_a_bucket_has_a_file():
    names = {
        bucket.shard_name(dupe, CONFIG)
        for bucket in (Bucket("train", 0, 2), Bucket("train", 1, 2))
        for dupe in range(3)
    }
    assert names == {f"train-{number:05d}-of-00006.tfrecord" for number in range(6)}
    assert buckets.num_passes("held_out", CONFIG) == 1
    compressed = dataclasses.replace(CONFIG, gzip_compress=True)
    assert Bucket("held_out", 3, 4).shard_name(0, compressed) == (
        "held_out-00003-of-00004.tfrecord.gz"
    )
