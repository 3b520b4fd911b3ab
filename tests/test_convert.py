"""The program that converts, as a user starts it."""

import subprocess
import sys

from bert_tf.modeling.checkpoints.formats import read_pretrained, write_pretrained
from tests.modeling.checkpoints.pretrained_cases import assert_same, make_pretrained


def convert(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "bert_tf.convert", *map(str, arguments)],
        capture_output=True,
        text=True,
    )


def test_it_converts_and_says_what_became_of_each_weight(tmp_path):
    pretrained = make_pretrained("masked_lm", "next_sentence")
    write_pretrained(pretrained, str(tmp_path / "google"), format="google")

    done = convert(
        f"--input={tmp_path / 'google'}",
        f"--output={tmp_path / 'hugging_face'}",
        "--format=hugging_face",
    )

    assert done.returncode == 0, done.stderr
    assert f"loaded      {len(pretrained.weights)} weights" in done.stdout
    assert_same(read_pretrained(str(tmp_path / "hugging_face")), pretrained)


def test_an_activation_that_a_format_does_not_have(tmp_path):
    pretrained = make_pretrained(hidden_act="gelu")
    write_pretrained(pretrained, str(tmp_path / "theirs"), format="hugging_face")
    arguments = (
        f"--input={tmp_path / 'theirs'}",
        f"--output={tmp_path / 'google'}",
        "--format=google",
    )

    refused = convert(*arguments)
    done = convert(*arguments, "--hidden_act=gelu_new")

    assert refused.returncode == 2
    assert "convert with --hidden_act=gelu_new" in refused.stderr
    assert done.returncode == 0, done.stderr
    expected = make_pretrained(hidden_act="gelu_new")
    assert_same(read_pretrained(str(tmp_path / "google")), expected)


def test_a_mistake_is_one_line(tmp_path):
    done = convert(
        f"--input={tmp_path / 'nothing'}", f"--output={tmp_path / 'a'}", "--format=google"
    )

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "Expected the folder of a BERT" in done.stderr
