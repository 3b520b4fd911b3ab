"""What goes wrong in real runs is told in a line that names the file or the step."""

import pathlib
import shutil

import pytest

from bert_tf.modeling.checkpoints import sealed
from tests.made_data import write_data_set, write_unmasked
from tests.training import programs

SECONDS = 240


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_unmasked(folder)
    return folder


@pytest.fixture(scope="module")
def finished(data_dir, tmp_path_factory):
    """The folder of a run of 40 steps."""
    workdir = tmp_path_factory.mktemp("run")
    process = programs.start(workdir, data_dir, "--config.num_train_steps=40", *SHORT)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    return workdir


SHORT = ("--config.steps_per_eval=20",)


def error_of(process):
    """The line that it ends with."""
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 2, said
    assert "Traceback" not in said
    line = said.rstrip().splitlines()[-1]
    assert line.startswith("error: Expected"), said
    return line


def flip_a_bit(path: pathlib.Path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "held_out"])
def test_a_flipped_bit_in_a_shard(split, tmp_path):
    write_data_set(tmp_path / "data")
    shard = next((tmp_path / "data").glob(f"{split}-*"))
    flip_a_bit(shard)
    process = programs.start(tmp_path / "run", tmp_path / "data", *SHORT)
    line = error_of(process)
    assert f"received other content in {shard} (noticed at step" in line
    assert "copy them again and run the same command" in line


@pytest.mark.slow
def test_a_shard_that_is_cut_off(tmp_path):
    write_data_set(tmp_path / "data")
    shard = next((tmp_path / "data").glob("train-*"))
    shard.write_bytes(shard.read_bytes()[:-1])
    process = programs.start(tmp_path / "run", tmp_path / "data")
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    assert f"error: {shard}: expected" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_damaged_checkpoint_is_passed_over(finished, data_dir, tmp_path):
    workdir = tmp_path / "run"
    shutil.copytree(finished, workdir)
    newest = pathlib.Path(sealed.newest(str(workdir / "checkpoints")))
    assert newest.name == "step-40"
    flip_a_bit(next(newest.glob("variables.data*")))
    process = programs.start(workdir, data_dir, "--config.num_train_steps=40", *SHORT)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    assert "Passed over a checkpoint: expected the file that was written" in said
    assert "resuming at step 20" in said
    assert sealed.newest(str(workdir / "checkpoints")) == str(newest)


@pytest.mark.slow
def test_a_checkpoint_of_another_model(finished, data_dir, tmp_path):
    flags = ("--config.num_train_steps=40", *SHORT, "--config.model.hidden_size=32")
    process = programs.start(tmp_path / "run", data_dir, *flags)
    process.communicate(timeout=SECONDS)
    shutil.rmtree(tmp_path / "run/checkpoints")
    shutil.copytree(finished / "checkpoints", tmp_path / "run/checkpoints")
    line = error_of(programs.start(tmp_path / "run", data_dir, *flags))
    assert "Expected a checkpoint of this model and optimizer in" in line
    assert "step-40" in line


@pytest.mark.slow
def test_a_disk_that_fills_during_a_checkpoint(finished, data_dir, tmp_path):
    """No file may be larger than half of what a checkpoint takes."""
    workdir = tmp_path / "run"
    shutil.copytree(finished, workdir)
    shutil.rmtree(workdir / "checkpoints/step-40")
    size = max(path.stat().st_size for path in finished.glob("checkpoints/*/variables.*"))
    process = programs.start(
        workdir,
        data_dir,
        "--config.num_train_steps=40",
        *SHORT,
        prefix=("prlimit", f"--fsize={size // 2}"),
    )
    line = error_of(process)
    assert "Expected a disk that takes the checkpoint of step 40, received: " in line
    assert sealed.steps(str(workdir / "checkpoints")) == [20]
    assert not list((workdir / "checkpoints").glob("unfinished-*"))


@pytest.mark.slow
def test_a_worker_that_never_comes(data_dir, tmp_path):
    workers = programs.start_workers(
        2, tmp_path, data_dir, number_started=1, module="tests.training.impatient_worker"
    )
    line = error_of(workers[0])
    assert "Expected 2 workers within 5 seconds, received none at 127.0.0.1" in line
    assert "start the same command on all of 127.0.0.1" in line
