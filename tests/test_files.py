import subprocess
import sys

import pytest
import tensorflow as tf

from bert_tf.errors import UserError
from bert_tf.files import make_folder, read_json, read_text, write_atomically


@pytest.fixture(params=["", "file://"])
def folder(request, tmp_path):
    """By Python's functions and by TensorFlow's."""
    return f"{request.param}{tmp_path}"


def test_replaces_a_file(folder):
    write_atomically(f"{folder}/a", b"one")
    write_atomically(f"{folder}/a", "zwölf".encode())

    assert read_text(f"{folder}/a") == "zwölf"
    assert tf.io.gfile.listdir(folder) == ["a"]


def test_what_cannot_be_written_is_one_line(folder):
    with pytest.raises(UserError, match="file that can be written, received"):
        write_atomically(f"{folder}/missing/a", b"one")

    make_folder(f"{folder}/a/b")
    with pytest.raises(UserError, match="file that can be written, received"):
        write_atomically(f"{folder}/a", b"one")

    assert tf.io.gfile.listdir(folder) == ["a"]


def test_parts_that_end_in_an_error_leave_nothing(folder):
    def parts():
        yield b"one"
        yield b"two"
        raise UserError("the third")

    write_atomically(f"{folder}/a", iter([b"one", b"two"]))
    with pytest.raises(UserError, match="the third"):
        write_atomically(f"{folder}/b", parts())

    assert read_text(f"{folder}/a") == "onetwo"
    assert tf.io.gfile.listdir(folder) == ["a"]


def test_no_file_is_no_text(folder):
    assert read_text(f"{folder}/none") is None


def test_what_cannot_be_read_is_one_line(folder):
    write_atomically(f"{folder}/bytes", b"\xff")
    for path in (f"{folder}/bytes", folder):
        with pytest.raises(UserError, match="text that can be read, received"):
            read_text(path)


def test_json(folder):
    write_atomically(f"{folder}/a", b'{"a": [1]}')

    assert read_json(f"{folder}/a") == {"a": [1]}
    assert read_json(f"{folder}/none") is None
    for text, message in ((b"{", "Expected JSON in .*a'"), (b"[]", "received a list")):
        write_atomically(f"{folder}/a", text)
        with pytest.raises(UserError, match=message):
            read_json(f"{folder}/a")


def test_local_files_need_no_tensorflow(tmp_path):
    code = f"""
import sys
from bert_tf.files import read_text, write_atomically
write_atomically({str(tmp_path / "a")!r}, b"text")
assert read_text({str(tmp_path / "a")!r}) == "text"
assert "tensorflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match="folder that can be made, received"):
        make_folder(tmp_path / "file" / "folder")
