"""Vocabulary files: ids are line numbers, and each defect has its own message."""

import pathlib
import subprocess
import sys

import pytest

from bert_tf.data.vocab import Vocabulary, load_vocabulary, save_vocabulary
from bert_tf.errors import UserError

SPECIAL = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
SHARED_VOCABULARIES = (
    pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "vocab"
)


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_ids_are_line_numbers(tmp_path):
    vocabulary = load_vocabulary(write(tmp_path / "v", "a\n" + SPECIAL + "##b\n"))
    assert vocabulary.tokens == (
        "a",
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "##b",
    )
    assert vocabulary.ids["##b"] == 6
    assert len(vocabulary) == 7
    assert (vocabulary.pad_id, vocabulary.unk_id, vocabulary.cls_id) == (1, 2, 3)
    assert (vocabulary.sep_id, vocabulary.mask_id) == (4, 5)


def test_only_newlines_end_a_token(tmp_path):
    content = SPECIAL + "\u2028\n##\u2028\n\x0b\n\x85\na b\nlast"
    vocabulary = load_vocabulary(write(tmp_path / "v", content))
    assert vocabulary.tokens[5:] == ("\u2028", "##\u2028", "\x0b", "\x85", "a b", "last")


def test_digest_ignores_line_ends_and_the_final_newline(tmp_path):
    unix = load_vocabulary(write(tmp_path / "unix", SPECIAL + "x\n"))
    windows = load_vocabulary(
        write(tmp_path / "windows", (SPECIAL + "x").replace("\n", "\r\n"))
    )
    assert unix == windows
    assert unix.digest == windows.digest
    assert unix.digest != Vocabulary((*unix.tokens, "y")).digest


def test_saved_file_is_read_back_and_nothing_else_is_left(tmp_path):
    vocabulary = Vocabulary((*SPECIAL.split(), "é", "\u2028"))
    path = tmp_path / "vocab.txt"
    save_vocabulary(vocabulary, path)
    save_vocabulary(vocabulary, path)
    assert load_vocabulary(path) == vocabulary
    assert path.read_bytes() == vocabulary.file_bytes
    assert [entry.name for entry in tmp_path.iterdir()] == ["vocab.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "token a line"),
        ("a\nb\n", r"special tokens .* received none of \[PAD\]"),
        (SPECIAL.replace("[MASK]\n", ""), r"none of \[MASK\];"),
        (SPECIAL + "a\nb\na\n", "'a' on lines 6 and 8"),
        (SPECIAL + "a\n\nb\n", "line 7"),
        (SPECIAL.encode() + b"\xff\n", "UTF-8.*offset 31"),
    ],
)
def test_no_vocabulary(tmp_path, content, message):
    with pytest.raises(UserError, match=message) as raised:
        load_vocabulary(write(tmp_path / "v", content))
    assert "\n" not in str(raised.value)
    assert str(tmp_path / "v") in str(raised.value)


def test_token_with_a_line_break():
    with pytest.raises(UserError, match="line 6"):
        Vocabulary((*SPECIAL.split(), "a\nb"))


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            load_vocabulary(path)


def test_unwritable_path(tmp_path):
    vocabulary = Vocabulary(tuple(SPECIAL.split()))
    with pytest.raises(UserError, match="can be written"):
        save_vocabulary(vocabulary, tmp_path / "none" / "vocab.txt")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="can be written"):
        save_vocabulary(vocabulary, tmp_path / "folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_import_is_light():
    code = "import bert_tf.data.vocab, sys; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not SHARED_VOCABULARIES.exists(), reason="needs ../shared")
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("bert-base-uncased", 30522),
        ("bert-base-cased", 28996),
        ("bert-base-multilingual-cased", 119547),
        ("bert-base-chinese", 21128),
    ],
)
def test_published_vocabularies(name, size):
    path = SHARED_VOCABULARIES / f"{name}-vocab.txt"
    vocabulary = load_vocabulary(path)
    assert len(vocabulary) == size
    assert vocabulary.file_bytes == path.read_bytes()
    assert (vocabulary.pad_id, vocabulary.mask_id) == (0, 103)
