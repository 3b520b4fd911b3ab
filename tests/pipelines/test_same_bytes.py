"""The bytes of the shards follow from the documents and the flags, and nothing else."""

import dataclasses
import itertools
import pathlib
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from bert_tf.data import manifest
from pipelines import beam_options, buckets, pretraining_job, sources, transforms
from pipelines.pretraining_graph import PretrainingJob
from tests import made_documents

CONFIG = dataclasses.replace(made_documents.CONFIG, held_out_fraction=0.2)
NUM_DOCUMENTS = 100
TEXTS = [document.text for document in made_documents.make_documents(NUM_DOCUMENTS)]


@dataclasses.dataclass(frozen=True)
class Way:
    """All that must not matter: how the text is stored and how the job is run."""

    order: tuple[int, ...] = tuple(range(NUM_DOCUMENTS))  # of the documents
    cuts: tuple[int, ...] = ()  # between files
    names: str = "ab"  # where file names begin
    line_end: bytes = b"\n"
    range_bytes: int = 1 << 20
    block_bytes: int = 1 << 20
    tokens_per_part: int = 1 << 20
    shuffle: str = "files"
    running_mode: str = "in_memory"
    num_workers: int = 1


ways = strategies.builds(
    Way,
    order=strategies.permutations(range(NUM_DOCUMENTS)).map(tuple),
    cuts=strategies.lists(strategies.integers(1, NUM_DOCUMENTS - 1), max_size=8).map(
        tuple
    ),
    names=strategies.text("xyz0", min_size=1, max_size=2),
    line_end=strategies.sampled_from([b"\n", b"\r\n", b" \n"]),
    range_bytes=strategies.integers(50, 8_000),
    block_bytes=strategies.integers(1, 4_000),
    tokens_per_part=strategies.integers(1, 2_000),
    shuffle=strategies.sampled_from(["files", "engine"]),
    running_mode=strategies.sampled_from(["in_memory", "multi_threading"]),
    num_workers=strategies.integers(1, 3),
)


def digests(way, folder, data_config=CONFIG, *, tokens_per_bucket=1000):
    """Runs the job in some way; the digest of each shard."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
    in_order = [TEXTS[index] for index in way.order]
    bounds = sorted({0, *way.cuts, NUM_DOCUMENTS})
    for number, (start, stop) in enumerate(itertools.pairwise(bounds)):
        content = b"\n\n".join(in_order[start:stop]).replace(b"\n", way.line_end)
        path = folder / f"{way.names[number % len(way.names)]}{number}.txt"
        path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "RANGE_BYTES", way.range_bytes)
        patch.setattr(sources, "BLOCK_BYTES", way.block_bytes)
        patch.setattr(transforms, "TOKENS_PER_PART", way.tokens_per_part)
        patch.setattr(buckets, "TOKENS_PER_BUCKET", tokens_per_bucket)
        pretraining_job.create(
            PretrainingJob(
                data_sets=(transforms.DataSet(data_config, str(folder / "data")),),
                vocabulary=made_documents.VOCABULARY,
                files=tuple(sources.find_inputs([f"{folder}/*.txt"])),
                num_train_buckets=None,
                max_bad_documents=0,
            ),
            shuffle=way.shuffle,
            overwrite=False,
            options=beam_options.pipeline_options(
                [
                    "program",
                    f"--direct_running_mode={way.running_mode}",
                    f"--direct_num_workers={way.num_workers}",
                ]
            ),
        )
    loaded = manifest.load_manifest(str(folder / "data"))
    return {
        shard.name: shard.sha256
        for split in loaded.splits.values()
        for shard in split.shards
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    found = digests(Way(), tmp_path_factory.mktemp("expected"))
    assert len(found) > 6  # several buckets, two passes, held-out ones
    return found


@pytest.mark.slow
@given(way=ways)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_neither_files_nor_workers_matter(way, expected, tmp_path):
    assert digests(way, tmp_path) == expected


@pytest.mark.slow
def test_processes_do_not_matter(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[2]))
    one = Way(cuts=tuple(range(7, NUM_DOCUMENTS, 7)))
    two = dataclasses.replace(one, running_mode="multi_processing", num_workers=2)
    # In other processes the constants are as they are.
    usual = {"tokens_per_bucket": buckets.TOKENS_PER_BUCKET}
    expected = digests(one, tmp_path, **usual)
    for shuffle in ("files", "engine"):
        way = dataclasses.replace(two, shuffle=shuffle)
        assert digests(way, tmp_path, **usual) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"random_seed": 1},
        {"max_seq_length": 17},
        {"masked_lm_prob": 0.2},
        {"do_whole_word_mask": True},
        {"max_ngram_size": 3},
        {"next_sentence": False},
        {"masking": "dynamic"},
        {"short_seq_prob": 0.5},
    ],
)
def test_the_flags_matter(change, expected, tmp_path):
    other = dataclasses.replace(CONFIG, **change)
    found = digests(Way(), tmp_path, other)
    train = {name for name in expected if name.startswith("train")}
    assert train & set(found)
    assert not {expected[name] for name in train} & {*found.values()}
