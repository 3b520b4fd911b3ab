import pytest

from bert_tf.errors import UserError
from bert_tf.files import make_folder, write_atomically


def test_replaces_a_file(tmp_path):
    write_atomically(tmp_path / "a", b"one")
    write_atomically(tmp_path / "a", b"two")

    assert (tmp_path / "a").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(UserError, match="file that can be written, received"):
        write_atomically(tmp_path / "missing" / "a", b"one")

    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match="folder that can be made, received"):
        make_folder(tmp_path / "file" / "folder")
