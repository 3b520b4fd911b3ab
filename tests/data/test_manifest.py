"""The manifest: it round-trips, and a damaged data set is refused."""

import dataclasses
import json

import numpy as np
import pytest

from bert_tf import config, errors
from bert_tf.data import manifest
from tests.made_data import split_of


@pytest.fixture
def data_set(tmp_path):
    """A complete folder, and its manifest."""
    (tmp_path / "train-00000-of-00001.tfrecord").write_bytes(b"12345")
    shard = manifest.Shard(
        name="train-00000-of-00001.tfrecord", num_examples=2, num_bytes=5, sha256="ab"
    )
    written = manifest.Manifest(
        data_dir=str(tmp_path),
        config=config.PretrainingDataConfig(max_seq_length=64),
        vocab_digest="cd",
        vocab_size=7,
        splits={
            "train": split_of(
                shard,
                counts={"a": 1},
                random_next_share=0.5,
                padding_share=0.25,
                histograms={"example_tokens": (0, 1)},
                frequent_words=(("the", 3),),
                samples=(
                    manifest.Sample(("[CLS]", "é"), 2, (1,), ("the",), None),
                    manifest.Sample((), 0, (), (), True),
                ),
            ),
            "held_out": split_of(),
        },
        bad_documents={"not_utf8": 1},
        inputs=manifest.Inputs(num_files=1, num_bytes=9, digest="ef"),
        baselines={"masked_lm_accuracy": 0.1},
        versions={"python": "3"},
    )
    (tmp_path / "manifest.json").write_text(written.to_json())
    return written


def test_what_is_written_is_loaded(data_set):
    loaded = manifest.load_manifest(data_set.data_dir)
    assert loaded == data_set
    assert loaded.num_examples("train") == 2
    assert loaded.num_examples("held_out") == 0
    assert loaded.split_paths("train") == [
        f"{data_set.data_dir}/train-00000-of-00001.tfrecord"
    ]
    assert loaded.config.max_seq_length == 64


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(errors.UserError, match="does not exist"):
        manifest.load_manifest(str(tmp_path / "none"))


def test_a_folder_without_a_manifest_is_incomplete(tmp_path):
    with pytest.raises(errors.UserError, match="run create_pretraining_data again"):
        manifest.load_manifest(str(tmp_path))


@pytest.mark.parametrize("content", ["", "{}", "[1]", "null", '{"schema_version": 2}'])
def test_something_else_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(errors.UserError, match="Expected a manifest"):
        manifest.load_manifest(str(tmp_path))


def test_a_field_of_another_version_is_refused(data_set, tmp_path):
    content = json.loads(data_set.to_json())
    content["config"]["new_field"] = 1
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(errors.UserError, match="new_field"):
        manifest.load_manifest(str(tmp_path))


def test_another_schema_version_is_refused(data_set, tmp_path):
    content = json.loads(data_set.to_json()) | {"schema_version": 99}
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(errors.UserError, match=r"version 2, received version 99"):
        manifest.load_manifest(str(tmp_path))


def test_a_shard_of_another_size_is_refused(data_set, tmp_path):
    (tmp_path / "train-00000-of-00001.tfrecord").write_bytes(b"123")
    with pytest.raises(errors.UserError, match="expected 5 bytes, received 3"):
        manifest.load_manifest(data_set.data_dir)


def test_a_missing_shard_is_refused(data_set, tmp_path):
    (tmp_path / "train-00000-of-00001.tfrecord").unlink()
    with pytest.raises(errors.UserError, match="received no file"):
        manifest.load_manifest(data_set.data_dir)


def test_the_config_in_the_file_is_all_of_it(data_set):
    assert json.loads(data_set.to_json())["config"] == dataclasses.asdict(data_set.config)


def test_baselines():
    found = manifest.held_out_baselines(
        train_labels=np.array([0, 6, 2]),
        held_out_labels=np.array([1, 2, 1]),
        num_random_next=1,
        num_examples=4,
    )
    # Smoothed over 11: 1, 7 and 3 times.
    perplexity = (11 * 11 / 7 * 11 / 7 * 11 / 3) ** (1 / 4)
    assert found == {
        "masked_lm_accuracy": 0.5,
        "masked_lm_perplexity": pytest.approx(perplexity),
        "next_sentence_accuracy": 0.75,
    }


def test_there_are_no_baselines_without_held_out_examples():
    assert not manifest.held_out_baselines(
        train_labels=np.ones(3),
        held_out_labels=np.zeros(3),
        num_random_next=0,
        num_examples=0,
    )
