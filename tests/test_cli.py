"""What every program has in common, through real processes."""

import os
import resource
import subprocess
import sys

import pytest

PROGRAMS = [
    "bert_tf.pretrain",
    "bert_tf.convert",
    "bert_tf.evaluate",
    "bert_tf.extract_features",
    "bert_tf.finetune",
    "bert_tf.export",
    "bert_tf.predict",
    "bert_tf.report",
    "bert_tf.serving.local",
    "pipelines.learn_vocab",
    "pipelines.create_pretraining_data",
    "pipelines.harvest_docstrings",
    "pipelines.label_docstrings",
]


def run(module, *arguments, **kwargs):
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        **kwargs,
    )


@pytest.mark.parametrize("module", PROGRAMS)
def test_help_is_quick_and_shows_a_command(module):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    result = run(module, "--help")

    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert f"python -m {module}" in result.stdout
    assert not result.stderr
    # Of the processor, not of the clock: a busy machine is no slow program.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5


@pytest.mark.parametrize("module", PROGRAMS)
def test_a_required_flag_is_asked_for_in_one_line(module):
    result = run(module)

    assert result.returncode == 2
    assert result.stderr.startswith("error: flag --")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config.optimizer.rate=1"], "Field rate not found"),
        (["--config.typo.x=1"], "typo does not exist"),
        (["--config.seed=many"], "--config.seed=many: invalid literal"),
        (["--stepps=1"], "Unknown command line flag 'stepps'"),
        (["more"], "received the argument 'more'"),
        (["--config.input.data_dir="], "input.data_dir: expected the folder"),
        (
            ["--config.num_train_steps=777", "--config.input.data_dir=x"],
            "num_train_steps: expected a multiple",
        ),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path, arguments, message):
    workdir = tmp_path / "run"

    result = run(
        "bert_tf.pretrain", "--config=configs/demo.py", f"--workdir={workdir}", *arguments
    )

    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not workdir.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config=none.py"], "none.py"),
        (["--config=none.py", "--config.seed=1"], "none.py"),
        (["--config=configs/classic.py:huge"], "one of tiny, mini"),
    ],
)
def test_a_configuration_that_is_not_there_is_one_line(tmp_path, arguments, message):
    result = run("bert_tf.pretrain", f"--workdir={tmp_path}/run", *arguments)

    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert "Traceback" not in result.stderr and result.stderr.count("\n") == 1


def test_keras_runs_on_tensorflow_whatever_its_settings_say(tmp_path):
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')

    result = subprocess.run(
        [sys.executable, "-c", "import bert_tf.training.trainer as t; t.keras.backend"],
        env=os.environ | {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stderr


def test_a_data_set_that_is_not_there_is_one_line(tmp_path):
    result = run(
        "bert_tf.pretrain",
        "--config=configs/demo.py",
        f"--workdir={tmp_path}/run",
        f"--config.input.data_dir={tmp_path}/none",
    )

    assert result.returncode == 2
    assert result.stderr.startswith("error: Expected the folder")
    assert result.stderr.count("\n") == 1


def test_a_mistake_stops_what_is_registered_for_the_end():
    code = """
import atexit
from bert_tf import cli, errors

def main(argv):
    atexit.register(print, "stopped", flush=True)
    raise errors.UserError("Expected this, received that.")

cli.run(main)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert result.stdout == "stopped\n"
    assert result.stderr == "error: Expected this, received that.\n"
    assert result.returncode == 2


def test_who_interrupts_is_told_so_on_one_line():
    code = """
import signal
from bert_tf import cli

cli.run(lambda argv: signal.raise_signal(signal.SIGINT))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert result.stderr == "error: interrupted.\n"
    assert result.returncode == 130
