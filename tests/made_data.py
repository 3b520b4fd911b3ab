"""A small data set of pretraining examples, made without Beam."""

import hashlib
import os
from gzip import compress

import numpy as np
import tensorflow as tf

from bert_tf.config import SPECIAL_TOKENS, PretrainingDataConfig
from bert_tf.data.examples import ExampleMaker
from bert_tf.data.manifest import MANIFEST_NAME, SPLITS, Inputs, Manifest, Shard, Split
from bert_tf.data.tokenized import TokenizedDocuments, splits_of
from bert_tf.data.vocab import Vocabulary, save_vocabulary

LETTERS = [letter for first in "abcdefghij" for letter in (first, f"##{first}")]
_BASELINES = {
    "masked_lm_accuracy": 0.1,
    "masked_lm_perplexity": 20.0,
    "next_sentence_accuracy": 0.5,
}
VOCABULARY = Vocabulary((*SPECIAL_TOKENS, *LETTERS, ".", "[", "]"))


def write_data_set(
    data_dir,
    *,
    num_train=64,
    num_held_out=24,
    max_seq_length=16,
    max_predictions_per_seq=2,
    do_lower_case=True,
    feature_names="model_garden",
):
    """Writes shards and a manifest; a masked token follows from where it stands."""
    config = PretrainingDataConfig(
        max_seq_length=max_seq_length,
        max_predictions_per_seq=max_predictions_per_seq,
        do_lower_case=do_lower_case,
        feature_names=feature_names,
    )
    os.makedirs(data_dir, exist_ok=True)
    save_vocabulary(VOCABULARY, os.path.join(data_dir, "vocab.txt"))
    rng = np.random.default_rng(0)
    splits = {
        "train": _write_split(data_dir, "train", num_train, 2, config, rng),
        "held_out": _write_split(data_dir, "held_out", num_held_out, 1, config, rng),
    }
    return _manifest(data_dir, config, splits, _BASELINES if num_held_out else {})


def _manifest(data_dir, config, splits, baselines):
    manifest = Manifest(
        data_dir=str(data_dir),
        config=config,
        vocab_digest=VOCABULARY.digest,
        vocab_size=len(VOCABULARY),
        splits=splits,
        bad_documents={},
        inputs=Inputs(num_files=1, num_bytes=1, digest="0"),
        baselines=baselines,
        versions={},
    )
    with open(os.path.join(data_dir, MANIFEST_NAME), "w") as file:
        file.write(manifest.to_json())
    return manifest


def write_unmasked(data_dir, *, gzip=False, next_sentence=True):
    """Writes a data set for dynamic masking; also gives its ids, padded, as bytes."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 6, 120)
    document_splits = np.arange(0, len(lengths) + 1, 6)
    documents = TokenizedDocuments(
        keys=rng.integers(0, 2**63, (20, 2)).astype(np.uint64),
        document_splits=document_splits,
        sentence_splits=splits_of(lengths),
        token_ids=rng.integers(5, len(VOCABULARY), lengths.sum()).astype(np.uint16),
    )
    config = PretrainingDataConfig(
        max_seq_length=16,
        max_predictions_per_seq=2,
        masking="dynamic",
        dupe_factor=1,
        gzip_compress=gzip,
        next_sentence=next_sentence,
    )
    maker = ExampleMaker(config, VOCABULARY)
    documents = maker.distinct(documents)
    os.makedirs(data_dir, exist_ok=True)
    save_vocabulary(VOCABULARY, os.path.join(data_dir, "vocab.txt"))
    splits = {}
    for name in SPLITS:
        parts, found = maker.make_shard(documents, dupe=0, is_held_out=name == "held_out")
        content = compress(b"".join(parts)) if gzip else b"".join(parts)
        path = os.path.join(data_dir, f"{name}-00000-of-00001.tfrecord")
        with open(path, "wb") as file:
            file.write(content)
        digest = hashlib.sha256(content).hexdigest()
        num_examples = found.counts["examples"]
        shard = Shard(os.path.basename(path), num_examples, len(content), digest)
        splits[name] = split_of(shard)
    manifest = _manifest(data_dir, config, splits, _BASELINES)
    examples = maker._join(documents, *maker._pair(documents, 0))
    return manifest, {row.tobytes() for each in examples for row in each.input_ids}


def _write_split(data_dir, name, num_examples, num_shards, config, rng):
    shards = []
    for shard in range(num_shards):
        path = os.path.join(data_dir, f"{name}-{shard:05d}-of-{num_shards:05d}.tfrecord")
        count = num_examples // num_shards
        with tf.io.TFRecordWriter(path) as writer:
            for _ in range(count):
                writer.write(_example(config, rng).SerializeToString())
        with open(path, "rb") as file:
            content = file.read()
        digest = hashlib.sha256(content).hexdigest()
        shards.append(Shard(os.path.basename(path), count, len(content), digest))
    return split_of(*shards, random_next_share=0.5)


def split_of(*shards, **fields):
    """A split about which nothing but its shards is known."""
    unknown = {
        "num_buckets": 1,
        "counts": {},
        "random_next_share": None,
        "padding_share": None,
        "repeated_sentence_share": None,
        "histograms": {},
        "frequent_words": (),
        "samples": (),
    }
    return Split(shards=shards, **unknown | fields)


def _example(config, rng):
    length = config.max_seq_length
    num_tokens = int(rng.integers(length // 2, length + 1))
    ids = rng.integers(5, len(VOCABULARY), num_tokens)
    ids[0], ids[-1] = VOCABULARY.cls_id, VOCABULARY.sep_id
    num_masks = int(rng.integers(1, config.max_predictions_per_seq + 1))
    positions = rng.choice(np.arange(1, 6), num_masks, replace=False)
    labels = 6 + positions
    ids[positions] = VOCABULARY.mask_id
    is_random = int(rng.integers(2))
    second = np.arange(num_tokens) >= num_tokens // 2
    padded = {
        "input_word_ids": (ids, length),
        "input_mask": (np.ones(num_tokens, int), length),
        "input_type_ids": (second.astype(int) if is_random else 0 * ids, length),
        "masked_lm_positions": (positions, config.max_predictions_per_seq),
        "masked_lm_ids": (labels, config.max_predictions_per_seq),
        "next_sentence_labels": (np.array([is_random]), 1),
    }
    if config.feature_names == "original":
        padded["input_ids"] = padded.pop("input_word_ids")
        padded["segment_ids"] = padded.pop("input_type_ids")
    feature = {
        name: tf.train.Feature(
            int64_list=tf.train.Int64List(value=np.pad(values, (0, size - len(values))))
        )
        for name, (values, size) in padded.items()
    }
    weights = np.arange(config.max_predictions_per_seq) < num_masks
    feature["masked_lm_weights"] = tf.train.Feature(
        float_list=tf.train.FloatList(value=weights.astype(float))
    )
    return tf.train.Example(features=tf.train.Features(feature=feature))
