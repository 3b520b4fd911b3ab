"""Checkpoints that are whole or are not there."""

import shutil

import pytest
import tensorflow as tf

from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints import sealed


@pytest.fixture
def variable():
    return tf.Variable([1.0, 2.0])


@pytest.fixture
def save(tmp_path, variable):
    folder = str(tmp_path / "checkpoints")
    checkpoint = tf.train.Checkpoint(variable=variable)

    def write(step):
        variable.assign([step, step])
        return sealed.write(folder, checkpoint, step=step, progress={"at": step})

    write.folder = folder
    return write


def files_of(path):
    return sorted(tf.io.gfile.listdir(path))


def test_the_newest_comes_back(save, variable):
    for step in (5, 10, 9):
        save(step)
    path = sealed.newest(save.folder)
    assert path.endswith("step-10")
    assert sealed.read_progress(path) == {"at": 10}
    variable.assign([0.0, 0.0])
    tf.train.Checkpoint(variable=variable).read(f"{path}/{sealed.VARIABLES}")
    assert variable.numpy().tolist() == [10.0, 10.0]


def test_there_is_none_in_a_folder_that_is_not_there(tmp_path):
    assert sealed.newest(str(tmp_path / "none")) is None


@pytest.mark.parametrize("name", ["variables.index", "variables.data", "progress.json"])
@pytest.mark.parametrize("how", ["flipped", "cut", "removed"])
def test_a_damaged_one_is_passed_over_by_name(save, name, how, caplog, tmp_path):
    save(5)
    newest = tmp_path / "checkpoints" / "step-10"
    save(10)
    file = next(path for path in newest.iterdir() if path.name.startswith(name))
    content = bytearray(file.read_bytes())
    if how == "removed":
        file.unlink()
    elif how == "cut":
        file.write_bytes(content[:-1])
    else:
        content[len(content) // 2] ^= 1
        file.write_bytes(content)

    assert sealed.newest(save.folder).endswith("step-5")
    assert str(file) in caplog.text


def test_a_damaged_seal_is_damage(save, tmp_path):
    save(5)
    save(10)
    (tmp_path / "checkpoints/step-10/seal.json").write_text("{")
    assert sealed.newest(save.folder).endswith("step-5")


def test_a_damaged_one_is_written_again(save, tmp_path):
    save(5)
    (tmp_path / "checkpoints/step-5/progress.json").write_text("{}")
    save(5)
    assert sealed.read_progress(sealed.newest(save.folder)) == {"at": 5}


def test_damaged_ones_only_are_the_users_error(save, tmp_path):
    save(5)
    (tmp_path / "checkpoints/step-5/progress.json").write_text("{}")
    with pytest.raises(UserError, match=r"damaged files only, .*step-5/progress\.json"):
        sealed.newest(save.folder)


def test_one_without_a_seal_is_none(save, tmp_path):
    save(5)
    shutil.copytree(tmp_path / "checkpoints/step-5", tmp_path / "checkpoints/step-7")
    (tmp_path / "checkpoints/step-7/seal.json").unlink()
    assert sealed.steps(save.folder) == [5]


def test_the_oldest_are_dropped(save):
    for step in (1, 2, 10, 20):
        save(step)
    sealed.drop_all_but(save.folder, num_kept=2)
    assert sealed.steps(save.folder) == [10, 20]


def test_what_a_kill_has_left_is_removed(save, tmp_path):
    save(5)
    (tmp_path / "checkpoints/unfinished-0").mkdir()
    sealed.remove_unfinished(save.folder)
    assert files_of(save.folder) == ["step-5"]


def test_a_full_disk_leaves_what_was_there(save, monkeypatch):
    save(5)

    def fail(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device\nx")

    monkeypatch.setattr(tf.train.Checkpoint, "write", fail)
    with pytest.raises(UserError, match=r"step 10, received: No space left on device \("):
        save(10)
    assert files_of(save.folder) == ["step-5"]
    assert sealed.newest(save.folder).endswith("step-5")
