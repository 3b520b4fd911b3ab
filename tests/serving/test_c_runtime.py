"""Exports load and answer in TensorFlow's C++ runtime; and what does not is told."""

import copy
import json
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text as tf_text

from bert_tf.errors import UserError
from bert_tf.serving import c_runtime
from bert_tf.serving.c_runtime import (
    SOURCE,
    TEXT_LIBRARIES_SINCE_2_13,
    build_c_runtime,
    c_runtime_misses,
    installed_c_runtime,
)
from bert_tf.serving.export_lib import MANIFEST_FILE
from tests.serving import doubles

REPOSITORY = pathlib.Path(__file__).parents[2]
PREVIOUS = "2.20"  # TensorFlow's release before ours
CASES = [
    {
        "signature": "mix",
        "inputs": {
            "text": ["", "é\n日\0", "long " * 20],
            "number": [[1, -2], [3, 4], [2**31 - 1, 0]],
        },
        "outputs": {
            "doubled": ["", "é\n日\0é\n日\0", "long " * 40],
            "half": [[0.5, -1.0], [1.5, 2.0], [1073741823.5, 0.0]],
            "sum": [-1, 7, 2**31 - 1],
            "none": [[], [], []],
            "first": 1,
        },
    },
    {
        "signature": "words",
        "inputs": {"text": ["a b", "c"]},
        "outputs": {"words": [["a", "b"], ["c", ""]]},
    },
]
WORDS_LIBRARY = "_whitespace_tokenizer_v2.so"


@pytest.fixture(scope="session")
def runtime():
    return installed_c_runtime()


@pytest.fixture(scope="session")
def previous_runtime(tmp_path_factory):
    environment = REPOSITORY / "build" / f"tf-{PREVIOUS}"
    packages = next(environment.glob("lib/python*/site-packages/tensorflow"), None)
    if packages is None:
        pytest.skip(f"needs TensorFlow {PREVIOUS}, which `make serving-test` installs")
    program = tmp_path_factory.mktemp("program") / "c_runtime"
    return build_c_runtime(str(program), packages=packages.parent)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A SavedModel of all types, with an operation of TF Text."""
    tokenizer = tf_text.WhitespaceTokenizer()

    def mix(text, number):
        return {
            "doubled": text + text,
            "half": tf.cast(number, tf.float32) / 2,
            "sum": tf.reduce_sum(tf.cast(number, tf.int64), axis=1),
            "none": tf.zeros([tf.size(text), 0, 3], tf.int32),
            "first": number[0, 0],
        }

    def words(text):
        return {"words": tokenizer.tokenize(text).to_tensor()}

    numbers = tf.TensorSpec([None, 2], tf.int32, name="number")
    return str(
        doubles.save(
            tmp_path_factory.mktemp("toy") / "1",
            mix=(mix, [*doubles.text("text"), numbers]),
            words=(words, doubles.text("text")),
        )
    )


def misses_of_manifest(runtime, version_dir, *, without=()):
    manifest = json.loads((pathlib.Path(version_dir) / MANIFEST_FILE).read_text())
    return runtime.misses(
        version_dir,
        manifest["golden"],
        text_libraries=set(manifest["text_libraries"]) - {*without},
        tolerance=manifest["tolerance"],
    )


def toy_misses(runtime, toy, cases=CASES, *, text_libraries=(WORDS_LIBRARY,)):
    return runtime.misses(toy, cases, text_libraries=text_libraries, tolerance=1e-4)


def test_a_task_in_the_runtime(runtime, version_dir):
    assert misses_of_manifest(runtime, version_dir) == []


def test_a_task_without_what_servers_before_2_20_lack(runtime, version_dir):
    without = TEXT_LIBRARIES_SINCE_2_13

    assert misses_of_manifest(runtime, version_dir, without=without) == []


def test_a_task_in_the_runtime_of_the_release_before(previous_runtime, version_dir):
    assert misses_of_manifest(previous_runtime, version_dir) == []


def test_golden_answers_are_there_for_every_signature(version_dir):
    manifest = json.loads((pathlib.Path(version_dir) / MANIFEST_FILE).read_text())

    told = {case["signature"] for case in manifest["golden"]}

    assert told == set(tf.saved_model.load(version_dir).signatures)


def test_the_runtime_is_that_of_the_release(runtime, previous_runtime):
    def usage(program):
        return subprocess.run([program], capture_output=True, text=True).stdout

    assert f"(TensorFlow {tf.__version__})" in usage(runtime.program)
    assert f"(TensorFlow {PREVIOUS}." in usage(previous_runtime.program)


def test_all_types(runtime, toy):
    assert toy_misses(runtime, toy) == []


@pytest.mark.parametrize(
    ("output", "place", "value", "message"),
    [
        ("half", (0, 1), -1.001, "half[0, 1]: expected -1.00100005, received -1"),
        (
            "half",
            (2, 0),
            float("nan"),
            "half[2, 0]: expected nan, received 1.07374182e+09",
        ),
        ("sum", (1,), 8, "sum[1]: expected 8, received 7"),
        ("doubled", (0,), "é", 'doubled[0]: expected "é", received ""'),
        ("first", (), 2, "first: expected 2, received 1"),
        (
            "half",
            (slice(2),),
            None,
            "half: expected shape [2, 2], received shape [3, 2]",
        ),
        (
            "none",
            (slice(2),),
            None,
            "none: expected shape [2, 0], received shape [3, 0, 3]",
        ),
    ],
)
def test_another_answer_is_told(runtime, toy, output, place, value, message):
    cases = copy.deepcopy(CASES)
    outputs = cases[0]["outputs"]
    spoiled = np.array(outputs[output], object if output == "doubled" else None)
    if value is None:
        spoiled = spoiled[place]
    else:
        spoiled[place] = value
    outputs[output] = spoiled.tolist()

    assert toy_misses(runtime, toy, cases) == [
        f"TensorFlow's C++ runtime: mix: {message}"
    ]


def test_numbers_within_the_tolerance(runtime, toy):
    cases = copy.deepcopy(CASES)
    cases[0]["outputs"]["half"] = [
        [0.5001, -1.0001],
        [1.5, 2.0001],
        [1073741000.0, 0.0001],
    ]

    assert toy_misses(runtime, toy, cases) == []


def test_a_missing_library_is_told(runtime, toy):
    (miss,) = toy_misses(runtime, toy, text_libraries=())

    assert "Op type not registered 'TFText>WhitespaceTokenizeWithOffsetsV2'" in miss


def test_a_graph_that_older_servers_lack_operations_for(tmp_path):
    trimmer = tf_text.RoundRobinTrimmer(tf.constant([2]))

    def trim(text):
        words = tf.strings.split(text)
        return {"words": trimmer.trim([words])[0].to_tensor()}

    path = str(doubles.save(tmp_path / "1", trim=(trim, doubles.text("text"))))
    (miss,) = c_runtime_misses(
        path, [], text_libraries=TEXT_LIBRARIES_SINCE_2_13, tolerance=1e-4
    )

    assert "Op type not registered 'TFText>RoundRobinTrim'" in miss


def test_a_graph_that_xla_is_to_compile(runtime, tmp_path):
    @tf.function(jit_compile=True)
    def product(number):
        return number @ number

    def square(number):
        return {"square": product(number)}

    specs = [tf.TensorSpec([2, 2], tf.float32, name="number")]
    path = str(doubles.save(tmp_path / "1", square=(square, specs)))
    ones = [[1.0, 1.0], [1.0, 1.0]]
    cases = [
        {
            "signature": "square",
            "inputs": {"number": ones},
            "outputs": {"square": [[2.0, 2.0], [2.0, 2.0]]},
        }
    ]

    (miss,) = runtime.misses(path, cases, text_libraries=(), tolerance=1e-4)

    assert "square: expected no error, received" in miss


def test_a_missing_signature_is_told(runtime, toy):
    (miss,) = toy_misses(runtime, toy, [CASES[0] | {"signature": "fill_mask"}])

    assert miss.startswith("expected a signature fill_mask, received [")
    assert "'mix', 'words'" in miss


def test_a_missing_output_is_told(runtime, toy):
    (miss,) = toy_misses(runtime, toy, [CASES[1] | {"outputs": {"tokens": []}}])

    assert miss == "words: expected the outputs ['tokens'], received ['words']"


def test_a_crash_is_told(toy, tmp_path):
    program = tmp_path / "crash"
    program.write_text("#!/bin/sh\necho 'no memory' >&2\nkill -ABRT $$\n")
    program.chmod(0o755)

    assert toy_misses(c_runtime.CRuntime(str(program), tmp_path), toy) == [
        "TensorFlow's C++ runtime: exit code -6: no memory\n"
    ]


def test_no_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UserError, match="Expected a C compiler, cc, on the PATH"):
        build_c_runtime(str(tmp_path / "c_runtime"), packages=tmp_path)


def test_no_tensorflow(tmp_path):
    with pytest.raises(
        RuntimeError, match=r"c_runtime\.c to build for the TensorFlow in"
    ):
        build_c_runtime(str(tmp_path / "c_runtime"), packages=tmp_path)


def test_the_program_gives_no_warning():
    subprocess.run(
        [
            *(shutil.which("cc"), "-fsyntax-only", "-Wall", "-Wextra", "-Werror"),
            *("-isystem", tf.sysconfig.get_include(), str(SOURCE)),
        ],
        check=True,
    )
