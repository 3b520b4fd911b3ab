"""GLUE's files."""

import lzma

import pytest

from benchmarks.pretraining import sst2
from bert_tf.errors import UserError

TEXT = "sentence\tlabel\nit 's \"charming \t1\nbleak\t0\nfine\t1\n"


@pytest.mark.parametrize("is_compressed", [True, False])
def test_files_are_read_plain_and_compressed(tmp_path, is_compressed):
    if is_compressed:
        (tmp_path / "train.tsv.xz").write_bytes(lzma.compress(TEXT.encode()))
    else:
        (tmp_path / "train.tsv").write_text(TEXT)

    examples = sst2.read(str(tmp_path), "train")

    assert examples.sentences == ["it 's \"charming ", "bleak", "fine"]
    assert examples.labels.tolist() == [1, 0, 1]


def test_a_sample_keeps_labels_with_their_sentences(tmp_path):
    (tmp_path / "dev.tsv").write_text(TEXT)
    examples = sst2.read(str(tmp_path), "dev")
    pairs = set(zip(examples.sentences, examples.labels, strict=True))

    sample = sst2.sample(examples, 2)

    assert len(sample.sentences) == 2
    assert set(zip(*sample, strict=True)) < pairs
    assert sst2.sample(examples, 2).sentences == sample.sentences
    assert len(sst2.sample(examples, 9).labels) == 3


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UserError, match=r"expected dev\.tsv or dev\.tsv\.xz"):
        sst2.read(str(tmp_path), "dev")


def test_the_real_one_is_read(shared):
    examples = sst2.read(str(shared / "data/classification/SST-2"), "dev")

    assert len(examples.sentences) == 872
    assert 0.4 < examples.labels.mean() < 0.6
