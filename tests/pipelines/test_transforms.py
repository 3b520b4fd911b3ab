"""The steps of the job, called as Beam calls them."""

import apache_beam as beam
import pytest

from bert_tf import config
from bert_tf.data import documents, tokenized
from pipelines import progress, sources, spill, transforms
from pipelines.buckets import Bucket
from tests.made_documents import VOCABULARY

CONFIG = config.PretrainingDataConfig(
    max_seq_length=16, max_predictions_per_seq=3, dupe_factor=2, held_out_fraction=0.3
)
GOOD = "".join(f"a b c d{' def' * number}\n" * 3 + "\n" for number in range(200)).encode()


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(GOOD + b"\n\xff\n\n\x01\n\na b")
    return [documents.ByteRange(str(path), 0, None)]


def tokenize(ranges, *, max_bad_documents=9, **folders):
    """The documents that are handed on, and the values of each tag."""
    step = transforms.TokenizeText(
        CONFIG,
        VOCABULARY,
        max_bad_documents=max_bad_documents,
        **{"spill_dir": None, "progress_dir": None} | folders,
    )
    step.setup()
    main, tagged = [], {}
    for output in step.process(ranges):
        if isinstance(output, beam.pvalue.TaggedOutput):
            tagged.setdefault(output.tag, []).append(output.value)
        else:
            main.append(output)
    return main, tagged


def test_documents_are_handed_on_sorted_and_counted(text_file, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 2000)
    monkeypatch.setattr(transforms, "TOKENS_PER_PART", 5000)
    payloads, tagged = tokenize(text_file, progress_dir=str(tmp_path))
    parts = [tokenized.TokenizedDocuments.from_bytes(payload) for payload in payloads]
    assert len(parts) > 5
    assert sum(part.num_documents for part in parts) == 201
    for part in parts:
        keys = part.keys.tolist()
        assert keys == sorted(keys)
    assert [bad.reason for bad in tagged[transforms.BAD_DOCUMENTS]] == [
        "not_utf8",
        "no_tokens",
    ]
    total = sum(number for _, number in tagged[transforms.NUM_TOKENS])
    assert total == sum(len(part.token_ids) for part in parts)
    read = progress.totals(str(tmp_path))[progress.READ_BYTES]
    assert len(GOOD) - 2 * 201 < read < len(GOOD)


def test_reading_ends_when_too_much_is_bad(text_file, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 2000)
    payloads, tagged = tokenize(text_file, max_bad_documents=0)
    assert payloads == []
    # Those of the block that has the first one; nothing is read after it.
    assert 1 <= len(tagged[transforms.BAD_DOCUMENTS]) <= 2


def test_buckets_of_spilled_files_are_those_of_payloads(text_file, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 2000)
    monkeypatch.setattr(transforms, "TOKENS_PER_PART", 5000)
    payloads, _ = tokenize(text_file)
    paths, _ = tokenize(text_file, spill_dir=str(tmp_path))
    planned = [Bucket("train", number, 3) for number in range(3)]
    planned += [Bucket("held_out", 0, 1)]
    split = transforms.SplitByBucket(CONFIG.held_out_fraction)
    sent = [pair for payload in payloads for pair in split.process(payload, planned)]
    num_documents = 0
    for bucket in planned:
        in_files = tokenized.concatenate(
            [
                spill.read_range(path, *bucket.keys(CONFIG.held_out_fraction))
                for path in paths
            ]
        )
        in_payloads = tokenized.concatenate(
            [
                tokenized.TokenizedDocuments.from_bytes(payload)
                for key, payload in sent
                if key == transforms.bucket_key(bucket)
            ]
        )
        assert in_files.sort().to_bytes() == in_payloads.sort().to_bytes()
        num_documents += in_files.num_documents
    assert num_documents == 201


def test_no_bucket_is_planned_where_too_much_is_bad(tmp_path):
    def plan(num_bad):
        step = transforms.PlanBuckets(
            CONFIG,
            num_train_buckets=3,
            max_bad_documents=2,
            progress_dir=str(tmp_path),
        )
        return list(step.process(None, {"train": 10}, num_bad))

    assert plan(3) == []
    assert len(plan(2)) == 4
    # Three buckets in two passes and the held-out one.
    assert progress.totals(str(tmp_path))[progress.PLANNED_SHARDS] == 7
