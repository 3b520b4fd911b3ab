"""The job where texts, vocabulary and data set are in an object store."""

import gzip
import io
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bert_tf import errors
from tests.engines import object_stores

# Of so few documents, so that a shard is empty.
NOTHING_HELD_OUT = {"held_out_fraction": 1e-6}


@pytest.fixture(scope="module")
def s3():
    """S3 with the inputs in it."""
    with object_stores.s3() as store:
        object_stores.put_inputs(store.put)
        yield store


def create(store, folder, **arguments):
    object_stores.create(
        store.root, f"{store.root}/{folder}", beam_flags=store.beam_flags, **arguments
    )


def objects_of(store, folder):
    return {
        name.removeprefix(f"{folder}/"): content
        for name, content in store.list().items()
        if name.startswith(f"{folder}/")
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gcs", "s3"])
def test_bytes_are_those_of_a_local_run(name, request, tmp_path):
    store = request.getfixturevalue(name)
    create(store, "data", **NOTHING_HELD_OUT)

    written = objects_of(store, "data")
    expected = object_stores.local_shards(tmp_path, **NOTHING_HELD_OUT)
    assert sorted(map(bool, expected.values())) == [False, True, True]
    assert {name: written[name] for name in expected} == expected
    # Nothing temporary is left.
    assert set(written) == {*expected, "manifest.json", "report.html", "vocab.txt"}
    counts = json.loads(written["manifest.json"])["splits"]["train"]["counts"]
    assert counts["documents"] > 30

    with pytest.raises(errors.UserError, match="differs in random_seed; choose"):
        create(store, "data", random_seed=1, **NOTHING_HELD_OUT)
    assert objects_of(store, "data") == written


@pytest.mark.slow
def test_a_vocabulary_is_learned_there(s3):
    arguments = [f"--input={s3.root}/text/*", "--vocab_size=20", *s3.beam_flags]
    command = [sys.executable, "-m", "pipelines.learn_vocab", *arguments]
    subprocess.run([*command, f"--output={s3.root}/learned/vocab.txt"], check=True)
    written = objects_of(s3, "learned")
    assert set(written) == {"vocab.txt"}  # and nothing temporary
    assert {b"def", b"dee"} <= set(written["vocab.txt"].splitlines())

    failed = subprocess.run(
        [*command, "--output=s3://none/vocab.txt"], capture_output=True, text=True
    )
    assert failed.returncode == 2
    assert (
        "--output: expected a file that can be written"
        in (failed.stderr.splitlines()[-1])
    )


def test_compressed_lines_of_json_and_parquet_give_the_same_bytes(gcs):
    texts = [
        " ".join(f"{letter} is {number}." for letter in "abcdef") for number in range(40)
    ]
    lines = "\n".join(json.dumps({"text": text}) for text in texts)
    gcs.put("formats/a.jsonl.gz", gzip.compress(lines.encode()))
    table = io.BytesIO()
    pq.write_table(pa.table({"id": range(40), "text": texts}), table, row_group_size=9)
    gcs.put("formats/a.parquet", table.getvalue())

    for name, input_format in (("a.jsonl.gz", "jsonl"), ("a.parquet", "parquet")):
        create(gcs, input_format, text=f"formats/{name}", input_format=input_format)

    written = [objects_of(gcs, input_format) for input_format in ("jsonl", "parquet")]
    shards = [name for name in written[0] if name.endswith(".tfrecord")]
    assert len(shards) == 3 and all(written[0][name] for name in shards)
    assert [written[1][name] for name in shards] == [written[0][name] for name in shards]


def test_another_data_set_is_replaced_as_a_whole(gcs):
    create(gcs, "replaced", do_whole_word_mask=True)
    before = objects_of(gcs, "replaced")
    create(gcs, "replaced", overwrite=True)
    after = objects_of(gcs, "replaced")
    assert set(after) == set(before)
    assert not set(after.items()) & set(before.items()) - {
        ("vocab.txt", before["vocab.txt"])
    }


def test_a_damaged_data_set_is_not_taken_for_complete(gcs):
    create(gcs, "damaged")
    gcs.put("damaged/train-00001-of-00002.tfrecord", b"half")
    with pytest.raises(errors.UserError, match=r"00001.*bytes, received 4; copy"):
        create(gcs, "damaged")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"root": "gs://none"}, "Expected a vocabulary file, received 'gs://none/vocab"),
        ({"text": "none/*"}, "--input: expected text files, received .* matches none"),
        ({"output": "gs://none/data"}, "--output: expected a folder that can be written"),
        ({"output": "unknown://x"}, "--output: expected a folder that can be written"),
    ],
)
def test_a_mistake_is_told_before_the_job_starts(gcs, arguments, message):
    defaults = {"root": gcs.root, "output": f"{gcs.root}/mistake"}
    with pytest.raises(errors.UserError, match=message):
        object_stores.create(**defaults | arguments)
    assert not objects_of(gcs, "mistake")
