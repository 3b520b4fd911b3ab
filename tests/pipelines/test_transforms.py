"""From documents to shards, without Beam."""

import collections
import dataclasses
import random

import pytest

from bert_tf.data import documents
from pipelines import transforms
from tests.made_documents import CONFIG, TOKENS, examples_of, make_documents, payloads_of


def test_one_call_tokenizes_as_many_calls_do():
    read_documents = make_documents(5)
    assert payloads_of(read_documents) == [
        payload for each in read_documents for payload in payloads_of([each])
    ]
    first = documents.TokenizedDocument.from_bytes(payloads_of(read_documents)[0])
    words = read_documents[0].text.decode().split()
    pieces = {"def": "d ##e ##f", "dee": "d ##e ##e"}
    tokens = " ".join(pieces.get(word, word) for word in words).split()
    assert [TOKENS[token_id] for token_id in first.token_ids] == tokens


def test_joined_shards_do_not_depend_on_who_made_which_part():
    made, _ = examples_of(payloads_of(make_documents(30)))
    names = ["s0", "s1", "s2"]
    parts = [transforms.shard_blobs(made[start::4], names) for start in range(4)]
    whole = transforms.shard_blobs(made, names)
    total = 0
    for name in names:
        content, num_examples = transforms.join_blobs(
            part[name] for part in reversed(parts) if name in part
        )
        assert (content, num_examples) == transforms.join_blobs([whole[name]])
        total += num_examples
    assert total == len(made)
    assert transforms.join_blobs([b""]) == (b"", 0)


def test_a_document_is_in_one_split_whatever_the_partition():
    keys = [random.Random(number).randbytes(16) for number in range(4000)]
    held_out = [key for key in keys if transforms.split_of(key, 0.1) == "held_out"]
    assert len(held_out) == pytest.approx(400, abs=4 * 19)  # binomial deviation
    assert all(transforms.split_of(key, 0.2) == "held_out" for key in held_out)
    assert not any(transforms.split_of(key, 0) == "held_out" for key in keys)
    partition = transforms.Partition(num_buckets=4, num_shards=1)
    buckets = collections.Counter(
        transforms.bucket_of(key, "held_out", partition) for key in held_out
    )
    assert set(buckets) == {f"held_out/{number}" for number in range(4)}
    assert min(buckets.values()) > 60


def test_partitions_follow_from_the_size():
    plan = transforms.plan_partitions(CONFIG, text_bytes=1 << 30, num_train_shards=None)
    assert plan["train"] == transforms.Partition(num_buckets=128, num_shards=64)
    assert plan["held_out"] == transforms.Partition(num_buckets=4, num_shards=1)
    plan = transforms.plan_partitions(
        dataclasses.replace(CONFIG, held_out_fraction=0), text_bytes=9, num_train_shards=3
    )
    assert plan["train"].shard_names("train")[2] == "train-00002-of-00003.tfrecord"
    assert plan["held_out"].shard_names("held_out") == []
