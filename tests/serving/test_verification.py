"""Each way in which an export can be wrong is found."""

import json
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.errors import UserError
from bert_tf.serving import export_lib, verification
from bert_tf.serving.c_runtime import installed_c_runtime
from bert_tf.serving.export_lib import export
from bert_tf.serving.servable import load_servable
from bert_tf.serving.signatures import make_signatures
from bert_tf.serving.stored_model import nodes_of, read_saved_model
from bert_tf.serving.stored_warmup import read_warmup
from bert_tf.serving.warmup import BATCH_SIZES, write_warmup
from bert_tf.tasks.finetuned import load_finetuned
from tests.serving.made_runs import write_run


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("run"), "classification")


@pytest.fixture(scope="module")
def path(workdir, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verification, "NUM_FUZZED", 300)  # the tasks' exports have all
        return export(workdir, str(tmp_path_factory.mktemp("export")), verify=True)


@pytest.fixture(scope="module")
def signatures(workdir):
    task, model = load_finetuned(workdir)
    yield make_signatures(task, model)  # the variables go when the model goes


def test_what_is_right_passes(path):
    assert path.endswith("/1")
    assert sorted(each.name for each in pathlib.Path(path).iterdir()) == [
        "assets",
        "assets.extra",
        "batching_params.pbtxt",
        "fingerprint.pb",
        "model_card.md",
        "saved_model.pb",
        "variables",
    ]


def test_without_a_compiler_nothing_is_begun(workdir, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    installed_c_runtime.cache_clear()

    with pytest.raises(UserError, match="Expected a C compiler, cc, on the PATH"):
        export(workdir, str(tmp_path / "export"), verify=True)

    assert not (tmp_path / "export").exists()


def test_a_miss_ends_the_export(workdir, tmp_path, monkeypatch):
    monkeypatch.setattr(verification, "odd_text_misses", lambda _: ["it crashes"])
    monkeypatch.setattr(verification, "NUM_FUZZED", 100)

    with pytest.raises(RuntimeError, match="received: it crashes"):
        export(workdir, str(tmp_path), verify=True)

    assert not list(tmp_path.iterdir())


def served(function, spec):
    @tf.function(autograph=False)
    def named(**inputs):
        return function(inputs["text"])

    return named.get_concrete_function(text=spec)


TEXT = tf.TensorSpec([None], tf.string, "text")


def write(folder, function, spec):
    module = tf.Module()
    signatures = {"serving_default": served(function, spec)}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return verification.graph_misses(
        str(folder), tf.saved_model.load(str(folder)).signatures
    )


def test_operations_that_servers_lack(tmp_path):
    misses = write(tmp_path, lambda text: {"a": tf.strings.to_number(text)}, TEXT)

    assert misses == ["the graph has StringToNumber, which is not on the allow list"]


def test_what_xla_is_to_compile(tmp_path):
    double = tf.function(lambda x: x * 2, jit_compile=True, autograph=False)

    misses = write(tmp_path, lambda text: {"a": double(tf.strings.length(text))}, TEXT)

    assert "a part of the graph is compiled by XLA, which servers have off" in misses


def test_types_and_shapes_that_clients_lack(tmp_path):
    misses = write(
        tmp_path,
        lambda text: {"a": tf.cast(tf.strings.length(text), tf.bfloat16)},
        tf.TensorSpec([2], tf.string, "text"),
    )

    assert "serving_default gives a as bfloat16" in misses
    assert "serving_default has text (2,), without a free batch" in misses


@pytest.mark.parametrize(("dtype", "weight_bytes"), [("float32", 4), ("bfloat16", 2)])
@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.data-00000"])
def test_weights_that_are_there_twice(tmp_path, name, dtype, weight_bytes):
    num_weights = 10**8
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").touch()

    def misses(num_bytes):
        os.truncate(tmp_path / name, num_bytes)
        return verification.size_misses(
            str(tmp_path), num_weights=num_weights, dtype=dtype, vocab_size=30_000
        )

    (tmp_path / name).touch()
    assert misses(weight_bytes * num_weights) == []
    (miss,) = misses(2 * weight_bytes * num_weights)
    assert f"take {2 * weight_bytes * num_weights} bytes, more than" in miss


def test_every_batch_size_is_warmed_up(path):
    records = list(read_warmup(path))

    sizes = [len(inputs["text"]) for name, inputs in records if name == "serving_default"]
    assert sorted(sizes) == sorted(BATCH_SIZES)
    assert {name for name, _ in records} == {
        "serving_default",
        "preprocess",
        "from_ids",
        "encode",
        "embed",
        "classify",
    }


def test_warmup_records_that_fail(tmp_path, signatures):
    (tmp_path / "assets.extra").mkdir()
    write_warmup(str(tmp_path), signatures)
    assert verification.warmup_misses(str(tmp_path), signatures) == []

    def refuse(**_):
        raise tf.errors.InvalidArgumentError(None, None, "no such text")

    loaded = dict(signatures) | {"embed": refuse}
    misses = verification.warmup_misses(str(tmp_path), loaded)

    assert misses == ["embed fails with a warmup record: no such text"]


def test_a_batch_size_that_is_left_out(tmp_path, signatures, monkeypatch):
    monkeypatch.setattr("bert_tf.serving.warmup.BATCH_SIZES", (1, 2, 4, 8, 16))
    (tmp_path / "assets.extra").mkdir()
    write_warmup(str(tmp_path), signatures)

    misses = verification.warmup_misses(str(tmp_path), signatures)

    assert misses == ["no warmup record has 32 inputs"]


def test_answers_that_depend_on_the_batch():
    def share(text):
        length = tf.cast(tf.strings.length(text), tf.float32)
        return {"share": length / tf.reduce_sum(length)}

    misses = verification.batch_misses(
        {"serving_default": served(share, TEXT)}, dtype="float32"
    )

    assert misses == ["serving_default gives other share to inputs that are alone"]


def test_answers_that_depend_on_the_padding(signatures):
    @tf.function(autograph=False)
    def width(**packed):
        columns = tf.ones_like(packed["input_mask"], tf.float32)
        return {"width": tf.reduce_sum(columns, axis=1)}

    specs = {name: tf.TensorSpec([None, None], tf.int32) for name in ENCODER_INPUTS}
    encode = width.get_concrete_function(**specs)

    misses = verification.batch_misses(
        {"preprocess": signatures["preprocess"], "encode": encode}, dtype="float32"
    )

    assert misses == ["encode gives other width to inputs that are not padded"]


def test_answers_that_are_no_numbers(signatures):
    def invert(text):
        return {"inverse": 1 / tf.cast(tf.strings.length(text), tf.float32)}

    misses = verification.odd_text_misses({"serving_default": served(invert, TEXT)})

    assert misses == ["serving_default, asked with b'', gives no finite inverse"]


def test_random_texts_that_are_refused_or_have_no_number():
    def invert(text):
        length = tf.strings.length(text)
        is_fine = tf.reduce_all(length < 100)
        with tf.control_dependencies([tf.debugging.Assert(is_fine, ["too long"])]):
            return {"inverse": 1 / tf.cast(length - 40, tf.float32)}

    misses = verification.fuzz_misses({"serving_default": served(invert, TEXT)})

    # Those that are too long are refused, as they may be; the others are asked alone.
    assert set(misses) <= {
        f"serving_default, asked with random texts from {start} on, gives no finite "
        "inverse"
        for start in range(0, verification.NUM_FUZZED, 100)
    }
    assert len(misses) > 10


def test_texts_that_get_no_answer():
    def first(text):
        return {"first": text[:1]}

    misses = verification.fuzz_misses({"serving_default": served(first, TEXT)})

    assert len(misses) == verification.NUM_FUZZED / 100
    assert misses[0].endswith("from 0 on, gives 1 of first to 100 texts")


def test_answers_that_are_not_those_of_predict(workdir, signatures):
    servable = load_servable(workdir)
    assert verification.prediction_misses(signatures, servable) == []
    for variable in servable.model.trainable_variables:
        variable.assign(variable + 0.1)

    misses = verification.prediction_misses(signatures, servable)

    assert "serving_default gives other probabilities than bert_tf.predict" in misses


def test_what_is_proven_is_in_the_manifest(path, workdir, tmp_path):
    def proven(version_dir):
        file = pathlib.Path(version_dir) / export_lib.MANIFEST_FILE
        return json.loads(file.read_text())["proven"]

    assert proven(export(workdir, str(tmp_path))) == ["golden answers"]
    assert len(proven(path)) == 9
    assert "300 random texts" in proven(path)


def test_nobody_is_warned_of_gradients(path):
    nodes = list(nodes_of(read_saved_model(path)))

    assert any(node.op == "Bitcast" for node in nodes)  # whose gradient is by hand
    assert not any("_gradient_op_type" in node.attr for node in nodes)


def test_the_batches_a_server_may_make(path):
    lines = (pathlib.Path(path) / export_lib.BATCHING_FILE).read_text().splitlines()

    allowed = [int(line.split()[1]) for line in lines if line.startswith("allowed")]
    assert allowed == sorted(BATCH_SIZES)
    assert lines[0] == f"max_batch_size {{ value: {allowed[-1]} }}"
    assert not any("pad_variable" in line for line in lines)


def test_padding_and_company_make_no_difference(signatures):
    rng = np.random.default_rng(1)
    words = ["the", "cat", "very", "good", "日本", "bob", "."]
    texts = [" ".join(rng.choice(words, rng.integers(30))) for _ in range(16)]
    together = signatures["serving_default"](text=tf.constant(texts))["probabilities"]

    for row, text in enumerate(texts):
        alone = signatures["serving_default"](text=tf.constant([text]))["probabilities"]
        np.testing.assert_allclose(alone[0], together[row], atol=1e-5)
