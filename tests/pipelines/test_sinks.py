"""Files beside the shards, and a folder that is complete or empty."""

import dataclasses
import gzip
import hashlib
import json

import numpy as np
import pytest

from bert_tf import config, errors
from bert_tf.data import documents, examples, manifest, vocab
from pipelines import sinks

VOCABULARY = vocab.Vocabulary(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"))


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def bad(offset, reason="not_utf8", path="a.txt"):
    return documents.BadDocument(
        path=path, offset=offset, num_bytes=2, reason=reason, detail="é"
    )


def test_a_file_is_written_under_another_name_first(tmp_path, monkeypatch):
    seen = []
    rename = sinks.FileSystems.rename
    monkeypatch.setattr(
        sinks.FileSystems,
        "rename",
        lambda *paths: (seen.append(names_in(tmp_path)), rename(*paths)),
    )
    with sinks.prepared_output(str(tmp_path)):
        seen.clear()
        sinks.write_atomically(str(tmp_path), "manifest.json", b"{}")
        assert seen == [[sinks.UNFINISHED_NAME]]
    assert (tmp_path / "manifest.json").read_bytes() == b"{}"
    assert names_in(tmp_path) == ["manifest.json"]


def test_what_an_earlier_job_left_is_removed_and_other_files_are_not(tmp_path):
    (tmp_path / sinks.UNFINISHED_NAME).mkdir()
    (tmp_path / sinks.UNFINISHED_NAME / "train-00000").touch()
    for name in (
        "train-00000-of-00002.tfrecord",
        "held_out-00000-of-00001.tfrecord",
        "vocab.txt",
        "manifest.json",
        "dead_letter.jsonl",
        "notes.txt",
    ):
        (tmp_path / name).touch()
    with sinks.prepared_output(str(tmp_path)) as progress_dir:
        assert names_in(tmp_path) == [sinks.UNFINISHED_NAME, "notes.txt", "vocab.txt"]
        assert progress_dir == str(tmp_path / sinks.UNFINISHED_NAME)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train-00000-of-00010.tfrecord", b"somebody's"),
        ("vocab.txt", VOCABULARY.file_bytes + b"b\n"),
        ("vocab.txt", b"no vocabulary"),
    ],
)
def test_what_no_job_has_left_is_not_replaced(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(errors.UserError, match=f"new data set, received .*{name}"):
        sinks.check_unclaimed(str(tmp_path), VOCABULARY.digest)


def test_what_a_killed_job_has_left_and_the_own_vocabulary_are_replaced(tmp_path):
    vocab.save_vocabulary(VOCABULARY, tmp_path / "vocab.txt")
    sinks.check_unclaimed(str(tmp_path), VOCABULARY.digest)
    sinks.check_unclaimed(str(tmp_path / "none"), VOCABULARY.digest)
    (tmp_path / sinks.UNFINISHED_NAME).mkdir()
    (tmp_path / "train-00000-of-00010.tfrecord").touch()
    sinks.check_unclaimed(str(tmp_path), VOCABULARY.digest)


def test_a_failed_job_leaves_nothing(tmp_path):
    output = tmp_path / "new" / "data"
    with pytest.raises(KeyboardInterrupt), sinks.prepared_output(str(output)):
        sinks.write_atomically(str(output), "train-00000-of-00001.tfrecord", b"x")
        raise KeyboardInterrupt
    assert not output.exists()


def test_a_refused_job_leaves_the_dead_letter_only(tmp_path):
    output = tmp_path / "data"
    with sinks.prepared_output(str(output)):
        sinks.write_atomically(str(output), "train-00000-of-00001.tfrecord", b"x")
        sinks.write_atomically(str(output), sinks.DEAD_LETTER_NAME, b"{}\n{}\n")
    assert names_in(output) == [sinks.DEAD_LETTER_NAME]
    assert sinks.count_bad_documents(str(output)) == 2
    assert not sinks.has_manifest(str(output))


def test_an_output_that_cannot_be_written_is_the_users_error(tmp_path):
    (tmp_path / "file").touch()
    message = "--output: expected a folder that can be written"
    for output in (tmp_path / "file", tmp_path / "file" / "data"):
        with (
            pytest.raises(errors.UserError, match=message),
            sinks.prepared_output(str(output)),
        ):
            pass
    assert names_in(tmp_path) == ["file"]


def test_the_dead_letter_is_sorted_json_lines():
    lines = sinks.dead_letter([bad(20), bad(3), bad(1, path="b.txt")]).decode()
    found = [json.loads(line) for line in lines.splitlines()]
    assert [(each["file"], each["offset"]) for each in found] == [
        ("a.txt", 3),
        ("a.txt", 20),
        ("b.txt", 1),
    ]
    assert found[0]["reason"] == "not_utf8"
    assert found[0]["detail"] == "é"


@pytest.fixture
def finish(tmp_path):
    """Calls FinishDataset as Beam would, in a prepared folder."""

    def call(statistics, bad_documents, **changes):
        finisher = sinks.FinishDataset(
            str(tmp_path),
            config=dataclasses.replace(config.PretrainingDataConfig(), **changes),
            vocabulary=VOCABULARY,
            inputs=manifest.Inputs(num_files=1, num_bytes=1, digest=""),
            number=1,
        )
        with sinks.prepared_output(str(tmp_path)):
            shards = [
                sinks.write_shard(
                    str(tmp_path),
                    f"train-{number:05d}-of-00010.tfrecord",
                    [np.zeros(3, np.uint8)],
                    num_examples=2,
                    gzip_compress=False,
                )
                for number in reversed(range(10 if statistics else 0))
            ]
            of_other = manifest.Shard("other", 0, 0, "")
            finisher.process(
                None,
                [(0, of_other), *((1, shard) for shard in shards)],
                statistics,
                bad_documents,
            )

    return call


@pytest.fixture
def some_statistics():
    """Those of two examples, for the training split only."""
    found = examples.Statistics.empty(vocab_size=len(VOCABULARY), max_seq_length=128)
    found.counts.update(examples=2, example_tokens=64, random_next=1)
    found.labels[5] = 3
    found.words[[5, 1]] = 2, 3
    found.example_tokens[32] = 2
    found.sentence_tokens[3] = found.document_tokens[5] = 1
    ids, one = np.array([2, 4, 3], np.int32), np.array([1], np.int32)
    found.samples.append(examples.SampledExample(7, ids, 3, one, 5 * one, 0))
    return {(1, "train"): found}


def test_the_manifest_tells_what_was_found(tmp_path, finish, some_statistics):
    finish(some_statistics, [bad(1), bad(2, reason="no_tokens")])
    loaded = manifest.load_manifest(str(tmp_path))
    assert loaded.bad_documents == {"no_tokens": 1, "not_utf8": 1}
    train, held_out = (loaded.splits[name] for name in manifest.SPLITS)
    assert train.random_next_share == 0.5
    assert train.padding_share == 1 - 64 / 256
    assert train.num_buckets == 1
    assert train.counts["examples"] == 2
    assert train.frequent_words == (("[UNK]", 3), ("a", 2))
    assert train.samples == (
        manifest.Sample(("[CLS]", "[MASK]", "[SEP]"), 3, (1,), ("a",), False),
    )
    assert [shard.name[:11] for shard in train.shards] == [
        f"train-{number:05d}" for number in range(10)
    ]
    assert held_out.counts["examples"] == 0
    assert held_out.random_next_share is None
    assert held_out.shards == ()
    assert loaded.baselines == {}
    assert loaded.vocab_digest == VOCABULARY.digest
    assert set(loaded.versions) >= {"python", "tensorflow", "apache-beam", "bert_tf"}
    assert (tmp_path / "vocab.txt").read_bytes() == VOCABULARY.file_bytes
    assert sinks.count_bad_documents(str(tmp_path)) == 2


def test_without_pairs_no_next_sentence_is_told_of(tmp_path, finish, some_statistics):
    finish(some_statistics, [], next_sentence=False)
    train = manifest.load_manifest(str(tmp_path)).splits["train"]
    assert train.random_next_share is None
    assert train.samples[0].is_random_next is None


def test_without_shards_only_the_dead_letter_is_written(tmp_path, finish):
    finish({}, [bad(1), bad(2), bad(3)])
    assert names_in(tmp_path) == [sinks.DEAD_LETTER_NAME]


def test_no_document_at_all_leaves_nothing(tmp_path, finish):
    finish({}, [])
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("gzip_compress", [False, True])
def test_the_same_content_is_the_same_file(tmp_path, gzip_compress):
    parts = [np.frombuffer(part * 1000, np.uint8) for part in (b"abc", b"de")]
    with sinks.prepared_output(str(tmp_path)):
        first, second = (
            sinks.write_shard(
                str(tmp_path),
                name,
                parts,
                num_examples=1,
                gzip_compress=gzip_compress,
            )
            for name in ("a", "b")
        )
    assert first == dataclasses.replace(second, name="a")
    stored = (tmp_path / "a").read_bytes()
    assert (len(stored), hashlib.sha256(stored).hexdigest()) == (
        first.num_bytes,
        first.sha256,
    )
    assert (gzip.decompress(stored) if gzip_compress else stored) == b"".join(parts)
