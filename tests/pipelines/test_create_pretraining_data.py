"""The whole job: same documents, same bytes; mistakes told in one line."""

import dataclasses
import gzip
import hashlib
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import textwrap

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from bert_tf import config, errors
from bert_tf.data import manifest, vocab
from pipelines import beam_options, pretraining_job, sources, transforms
from pipelines.pretraining_graph import PretrainingJob

REPOSITORY = pathlib.Path(__file__).parents[2]
WORDS = ["time", "year", "people", "way", "day", "man", "woman", "life", "child", "sea"]
CONFIG = config.PretrainingDataConfig(
    max_seq_length=32, max_predictions_per_seq=5, dupe_factor=2, held_out_fraction=0.2
)


def make_corpus(count):
    """Texts of documents, no two of them equal."""
    rng = random.Random(0)
    return [
        "".join(
            " ".join(rng.choices(WORDS, k=rng.randint(4, 12))) + f" {number}\n"
            for _ in range(rng.randint(2, 12))
        )
        for number in range(count)
    ]


CORPUS = make_corpus(60)


@pytest.fixture
def vocab_file(tmp_path):
    """All the words of the corpus."""
    path = tmp_path / "vocabulary.txt"
    pieces = [*"0123456789", *(f"##{digit}" for digit in range(10))]
    path.write_text("\n".join([*config.SPECIAL_TOKENS, *WORDS, *pieces]) + "\n")
    return path


@pytest.fixture
def create(tmp_path, vocab_file):
    """Runs the job on files with some contents; the folder it wrote."""
    number = 0

    def run(
        contents,
        *,
        data_config=CONFIG,
        output=None,
        beam_flags=(),
        shuffle=None,
        overwrite=False,
        num_buckets=None,
        max_bad_documents=0,
    ):
        nonlocal number
        number += 1
        text_dir = tmp_path / f"text{number}"
        text_dir.mkdir()
        for name, content in contents.items():
            (text_dir / name).write_bytes(content)
        output = output or tmp_path / f"output{number}"
        job = job_of(
            f"{text_dir}/*",
            vocab_file,
            {str(output): data_config},
            num_train_buckets=num_buckets,
            max_bad_documents=max_bad_documents,
        )
        options = beam_options.pipeline_options(["program", *beam_flags])
        pretraining_job.create(job, shuffle=shuffle, overwrite=overwrite, options=options)
        return output

    return run


def job_of(pattern, vocab_file, configs, *, num_train_buckets=None, max_bad_documents=0):
    any_config = next(iter(configs.values()))
    return PretrainingJob(
        data_sets=tuple(
            transforms.DataSet(config=data_config, output=output)
            for output, data_config in configs.items()
        ),
        vocabulary=vocab.load_vocabulary(vocab_file),
        files=tuple(
            sources.find_inputs(
                [pattern],
                input_format=any_config.input_format,
                text_field=any_config.text_field,
            )
        ),
        num_train_buckets=num_train_buckets,
        max_bad_documents=max_bad_documents,
    )


def files_of(documents):
    return "\n".join(documents).encode()


def digests(folder):
    """Of the shards; they must also be what the manifest says."""
    loaded = manifest.load_manifest(str(folder))
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("*.tfrecord")
    }
    shards = [shard for split in loaded.splits.values() for shard in split.shards]
    assert found == {shard.name: shard.sha256 for shard in shards}
    return found


def test_bytes_follow_from_the_documents_alone(create, monkeypatch):
    expected = digests(create({"a.txt": files_of(CORPUS)}))
    assert set(expected) == {
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "held_out-00000-of-00001.tfrecord",
    }
    shuffled = random.Random(1).sample(CORPUS, len(CORPUS))
    parts = {
        "z.txt": files_of(shuffled[:20]),
        "b.txt": files_of(shuffled[20:25] + shuffled[:3]).replace(b"\n", b"\r\n"),
        "c.txt": files_of(shuffled[25:]).replace(b" ", b"  ") + b"\n \n\n",
        "empty.txt": b"",
    }
    monkeypatch.setattr(sources, "RANGE_BYTES", 100)
    folder = create(parts)
    assert digests(folder) == expected
    loaded = manifest.load_manifest(str(folder))
    assert loaded.splits["train"].counts["documents"] < 60
    assert (
        sum(split.counts["duplicate_documents"] for split in loaded.splits.values()) == 3
    )


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_workers(create, monkeypatch):
    expected = digests(create({"a.txt": files_of(CORPUS)}))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    processes = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    assert digests(create({"a.txt": files_of(CORPUS)}, beam_flags=processes)) == expected


def test_no_held_out_text_is_trained_on(create):
    # Every document ends its sentences with a number of its own.
    loaded = manifest.load_manifest(str(create({"a.txt": files_of(CORPUS)})))
    vocabulary = (pathlib.Path(loaded.data_dir) / "vocab.txt").read_text().split("\n")
    numbers = {}
    for split in manifest.SPLITS:
        numbers[split] = set()
        for record in tf.data.TFRecordDataset(loaded.split_paths(split)):
            found = tf.train.Example.FromString(record.numpy()).features.feature
            ids = list(found["input_word_ids"].int64_list.value)
            for position, label in zip(
                found["masked_lm_positions"].int64_list.value,
                found["masked_lm_ids"].int64_list.value,
                strict=True,
            ):
                if position:
                    ids[position] = label
            text = " ".join(vocabulary[token_id] for token_id in ids).replace(" ##", "")
            words = text.split("[PAD]")[0].split()
            # A segment that was cut may start or end within a number.
            edges = {"[CLS]", "[SEP]"}
            numbers[split] |= {
                word
                for before, word, after in zip(words, words[1:], words[2:], strict=False)
                if word.isdigit() and not {before, after} & edges
            }
    assert len(numbers["train"]) > 30
    assert len(numbers["held_out"]) > 5
    assert not numbers["train"] & numbers["held_out"]
    assert loaded.num_examples("held_out") == loaded.splits["held_out"].counts["examples"]
    assert 0 < loaded.baselines["masked_lm_accuracy"] < 1
    assert 1 < loaded.baselines["masked_lm_perplexity"] < len(vocabulary)


def test_bad_documents_are_set_aside(create):
    content = files_of(CORPUS[:3]) + b"\nbad \xff\n\n\x01\n\n" + files_of(CORPUS[3:])
    folder = create({"a.txt": content}, max_bad_documents=2)
    assert manifest.load_manifest(str(folder)).bad_documents == {
        "not_utf8": 1,
        "no_tokens": 1,
    }
    lines = (folder / "dead_letter.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [each["reason"] for each in found] == ["not_utf8", "no_tokens"]
    assert found[0]["offset"] == content.index(b"bad")
    clean = create({"a.txt": files_of(CORPUS)})
    assert digests(folder) == digests(clean)
    assert not (clean / "dead_letter.jsonl").exists()


def test_prose_is_split_into_sentences(create):
    prose = "\n\n".join(
        f"The {WORDS[number % 10]} was\nlong. It was no. {number}. Why?"
        for number in range(30)
    )
    data_config = config.PretrainingDataConfig(
        input_format="prose", max_seq_length=16, held_out_fraction=0
    )
    folder = create({"a.txt": prose.encode()}, data_config=data_config)
    loaded = manifest.load_manifest(str(folder))
    assert loaded.splits["train"].counts["sentences"] == 90
    assert loaded.splits["held_out"].shards == ()
    assert loaded.baselines == {}


def parquet_of(texts):
    file = io.BytesIO()
    pq.write_table(pa.table({"body": texts}), file, row_group_size=7)
    return file.getvalue()


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_format(create):
    expected = digests(create({"a.txt": files_of(CORPUS)}))
    objects = [json.dumps({"body": text}) for text in CORPUS]
    docs = [f'<doc title="{WORDS[0]}">\n{WORDS[0]}\n\n{text}\n</doc>' for text in CORPUS]
    files = {
        "prose_files": {
            f"{number}.txt": text.replace("\n", "\n\n").encode()
            for number, text in enumerate(CORPUS)
        },
        "jsonl": {"a.jsonl": "\n".join(objects).encode()},
        "wikiextractor": {"wiki_00": "\n".join(docs).encode()},
        "parquet": {"a.parquet": parquet_of(CORPUS)},
    }
    for input_format, contents in files.items():
        data_config = dataclasses.replace(
            CONFIG, input_format=input_format, text_field="body"
        )
        assert digests(create(contents, data_config=data_config)) == expected


def test_a_complete_data_set_is_kept_unless_told_otherwise(create, tmp_path, vocab_file):
    output = create({"a.txt": files_of(CORPUS)})
    path = output / "manifest.json"
    before = path.stat().st_mtime_ns
    options = beam_options.pipeline_options(["program"])

    def again(data_config):
        pretraining_job.create(
            job_of(f"{tmp_path}/text1/*", vocab_file, {str(output): data_config}),
            shuffle=None,
            overwrite=False,
            options=options,
        )

    again(CONFIG)
    assert path.stat().st_mtime_ns == before
    with pytest.raises(
        errors.UserError, match=r"differs in max_seq_length, .*random_seed"
    ):
        again(config.PretrainingDataConfig(random_seed=1))
    with pytest.raises(errors.UserError, match="differs in input, num_buckets; choose"):
        create({"a.txt": files_of(CORPUS)}, output=output, num_buckets=3)
    assert path.stat().st_mtime_ns == before

    create({"a.txt": files_of(CORPUS[:9])}, output=output, overwrite=True)
    assert path.stat().st_mtime_ns > before


def test_two_lengths_are_made_of_one_reading(tmp_path, vocab_file, create):
    text = tmp_path / "text.txt"
    text.write_bytes(files_of(CORPUS))
    long = dataclasses.replace(CONFIG, max_seq_length=64, max_predictions_per_seq=9)
    outputs = {
        str(tmp_path / "both" / name): each
        for name, each in (("32", CONFIG), ("64", long))
    }
    pretraining_job.create(
        job_of(str(text), vocab_file, outputs),
        shuffle=None,
        overwrite=False,
        options=beam_options.pipeline_options(["program"]),
    )
    for output, data_config in outputs.items():
        alone = create({"a.txt": files_of(CORPUS)}, data_config=data_config)
        assert digests(pathlib.Path(output)) == digests(alone)


def test_compressed_shards_hold_the_same_records(create):
    plain = create({"a.txt": files_of(CORPUS)})
    compressed = create(
        {"a.txt": files_of(CORPUS)},
        data_config=dataclasses.replace(CONFIG, gzip_compress=True),
    )
    contents = {path.name: path.read_bytes() for path in plain.glob("*.tfrecord")}
    assert contents == {
        path.stem: gzip.decompress(path.read_bytes())
        for path in compressed.glob("*.tfrecord.gz")
    }
    manifest.load_manifest(str(compressed))


def test_help_comes_without_tensorflow():
    code = "import sys, pipelines.create_pretraining_data; print(sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True
    ).stdout
    assert "'pipelines.create_pretraining_data'" in modules
    assert "'tensorflow'" not in modules
    assert "'apache_beam'" not in modules


# Imports what takes long and then forks for each case, so that many real runs of the
# program take the time of one.
RUN_CASES = textwrap.dedent("""
    import json, os, runpy, sys
    from pipelines import pretraining_job

    results = {}
    for name, arguments in json.load(sys.stdin).items():
        child = os.fork()
        if not child:
            errors = os.open(f"{name}.stderr", os.O_WRONLY | os.O_CREAT)
            os.dup2(errors, 2)
            sys.argv = ["create_pretraining_data", *arguments]
            runpy.run_module("pipelines.create_pretraining_data", run_name="__main__")
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        results[name] = (status, open(f"{name}.stderr").read())
    print(json.dumps(results))
""")


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory):
    """What the real program says to each mistake: the exit code and the lines."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "text.txt").write_bytes(files_of(CORPUS))
    (folder / "empty.txt").touch()
    (folder / "blank.txt").write_text("\n \n\n")
    (folder / "bad.txt").write_bytes(files_of(CORPUS) + b"\n\xff\n\n\xfe\n")
    (folder / "short_vocabulary.txt").write_text("a\nb\n")
    (folder / "vocabulary.txt").write_text(
        "\n".join([*config.SPECIAL_TOKENS, *WORDS]) + "\n"
    )
    (folder / "one.txt").write_text(f"{WORDS[0]} {WORDS[1]}\n")
    (folder / "special.txt").write_text("\n".join(config.SPECIAL_TOKENS) + "\n")
    (folder / "is_a_file").touch()
    good = {"input": "text.txt", "output": "output", "vocab_file": "vocabulary.txt"}
    changes = {
        "one_sentence": {"input": "one.txt"},
        "missing_input": {"input": "text.txt,none*.txt"},
        "empty_input": {"input": "empty.txt"},
        "no_documents": {"input": "blank.txt"},
        "bad_documents": {"input": "bad.txt", "max_bad_documents": "1"},
        "useless_vocabulary": {"vocab_file": "special.txt"},
        "missing_vocabulary": {"vocab_file": "none.txt"},
        "short_vocabulary": {"vocab_file": "short_vocabulary.txt"},
        "unwritable_output": {"output": "is_a_file/output"},
        "bad_value": {"max_seq_length": "3"},
        "unknown_flag": {"dupe_facto": "3"},
    }
    cases = {
        name: [f"--{flag}={value}" for flag, value in (good | change).items()]
        for name, change in changes.items()
    }
    finished = subprocess.run(
        [sys.executable, "-c", RUN_CASES],
        input=json.dumps(cases),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    results = json.loads(finished.stdout)
    return results | {"folder": sorted(path.name for path in folder.glob("output*/*"))}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("missing_input", "--input: expected text files, received 'none*.txt', which"),
        ("empty_input", "--input: expected text, received 1 empty files"),
        ("no_documents", "--input: expected documents with several sentences"),
        (
            "bad_documents",
            "--input: expected at most 1 documents that cannot be used, received 2, "
            "listed in /",
        ),
        ("one_sentence", "received 1 files that give no example"),
        ("useless_vocabulary", "Expected"),
        ("missing_vocabulary", "Expected a vocabulary file, received 'none.txt'"),
        ("short_vocabulary", "Expected the special tokens"),
        (
            "unwritable_output",
            "--output: expected a folder that can be written, received",
        ),
        ("bad_value", "max_seq_length: expected at least 8 tokens, received 3"),
        ("unknown_flag", "received '--dupe_facto=3'"),
    ],
)
def test_a_mistake_is_told_in_one_line(mistakes, mistake, message):
    exit_code, stderr = mistakes[mistake]
    told = [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert len(told) == 1, stderr
    assert message in told[0]
    assert "Traceback" not in stderr
    assert exit_code == 2


@pytest.mark.slow
def test_mistakes_leave_nothing_but_the_dead_letter(mistakes):
    assert mistakes["folder"] == ["dead_letter.jsonl"]
