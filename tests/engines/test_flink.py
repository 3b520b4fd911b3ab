"""The job on a Flink cluster: the same bytes, also when a TaskManager is lost."""

import lzma

import pytest

from tests.engines import flink_cluster, program

NUM_FILES = 8

pytestmark = pytest.mark.flink


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two hosts."""
    with flink_cluster.cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        for _ in range(2):
            cluster.add_host()
        cluster.await_start()
        yield cluster


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("program")


@pytest.fixture(scope="module")
def flags(folder, shared):
    """Of a job with enough text for two readers.

    Each document is in two files, so that it comes from both of them.
    """
    packed = (shared / "data/pretrain/dev_corpus_sentences.txt.xz").read_bytes()
    documents = lzma.decompress(packed).split(b"\n\n")
    for number in range(NUM_FILES):
        part = b"\n\n".join(documents[number::NUM_FILES])
        for name in ("first", "second"):
            (folder / f"{name}{number}.txt").write_bytes(part)
    return (
        "--input=*.txt",
        f"--vocab_file={shared}/data/vocab/bert-base-uncased-vocab.txt",
        "--max_seq_length=128",
        "--dupe_factor=1",
        "--num_buckets=16",
        "--held_out_fraction=0.02",
    )


@pytest.fixture(scope="module")
def expected(folder, flags):
    """What a local run writes."""
    assert program.run(folder, *flags, "--output=local") == (0, [])
    shards = program.shards_of(folder / "local")
    assert len(shards) == 17
    return shards


def test_bytes_are_those_of_a_local_run(cluster, folder, flags, expected):
    output = folder / "flink"
    flags = (*flags, f"--output={output}", *flink_cluster.FLAGS)
    assert program.run(folder, *flags) == (0, [])
    assert program.shards_of(output) == expected

    job = flink_cluster.last_job()
    assert flink_cluster.get(job)["state"] == "FINISHED"
    assert flink_cluster.num_restarts(job) == 0
    for step in ("TokenizeText", "GroupReduce at GroupByBucket", "MakeShards"):
        found = flink_cluster.task_managers_of(job, step)
        assert found.keys() == {"host1", "host2"}
        assert all(each["metrics"]["read-records"] for each in found.values())


def test_a_lost_task_manager_changes_nothing(cluster, folder, flags, expected):
    output = folder / "restarted"
    flags = (*flags, f"--output={output}", *flink_cluster.FLAGS)
    previous_job = flink_cluster.last_job()

    def running_task_managers():
        """Those that are making shards, of which some are there."""
        assert process.poll() is None
        job = flink_cluster.last_job()
        if job == previous_job or not program.shards_of(output):
            return []
        found = flink_cluster.task_managers_of(job, "MakeShards")
        return [name for name, each in found.items() if each["status"] == "RUNNING"]

    with program.started(folder, *flags) as process:
        running = flink_cluster.await_that(running_task_managers, timeout_seconds=180)
        cluster.kill_task_manager(running[0])
        cluster.add_host()
        assert program.finish(process) == (0, [])
    assert program.shards_of(output) == expected

    job = flink_cluster.last_job()
    assert flink_cluster.get(job)["state"] == "FINISHED"
    assert flink_cluster.num_restarts(job) > 0
    assert "host3" in flink_cluster.task_managers_of(job, "MakeShards")


def test_a_mistake_is_told_in_one_line(cluster, folder, tmp_path):
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"One.\n\n\xff\n\n\xfe\n")
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\none\n.\n")
    exit_code, (error,) = program.run(
        tmp_path,
        "--input=bad.txt",
        "--vocab_file=vocab.txt",
        "--output=data",
        "--max_bad_documents=1",
        *flink_cluster.FLAGS,
    )
    assert exit_code == 2
    assert "expected at most 1 documents that cannot be used, received 2" in error
