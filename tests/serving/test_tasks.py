"""Every task's SavedModel, verified, answers raw text and ids as the task itself does."""

import functools
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import Sampling
from bert_tf.data.packing import ENCODER_INPUTS
from bert_tf.errors import UserError
from bert_tf.serving import verification
from bert_tf.serving.export_lib import MANIFEST_FILE, MODEL_CARD_FILE, export
from bert_tf.serving.samples import ALL_ROWS, sample_texts, to_examples
from bert_tf.serving.servable import load_servable
from bert_tf.serving.stored_model import num_bytes
from bert_tf.tasks.finetuned import load_finetuned
from bert_tf.tasks.raw_text import answer_inputs
from bert_tf.tasks.registry import TASKS
from tests.serving.made_runs import LABELS, write_run

ALWAYS = {"serving_default", "preprocess", "from_ids", "encode"}
# Beside these.
MORE = {
    "classification": {"embed", "classify"},
    "pair_classification": {"classify"},
    "pair_regression": {"regress"},
    "similarity": {"embed", "regress"},
    "fill_mask": {"embed"},
    "tagging": {"embed"},
    "question_answering": set(),
    "multiple_choice": set(),
    "summarisation": {"embed"},
    "seq2seq": {"embed"},
}
MORE_LIBRARIES = {
    "tagging": ("_byte_splitter.so",),
    "summarisation": ("_byte_splitter.so", "_state_based_sentence_breaker_op.so"),
}
HAS_SEVERAL_INPUTS = [name for name, task in TASKS.items() if len(task.inputs) > 1]
IS_PACKED_WHOLE = [name for name, task in TASKS.items() if not task.has_windows]


class Exported:
    """A task's run, its export, and both loaded."""

    def __init__(self, name, path):
        self.name = name
        self.path = path
        self.workdir = str(pathlib.Path(path).parents[1] / name)
        self.saved_model = tf.saved_model.load(self.path)
        self.signatures = self.saved_model.signatures
        self.task, self.model = load_finetuned(self.workdir)
        self.manifest = json.loads((pathlib.Path(self.path) / MANIFEST_FILE).read_text())

    def ask(self, signature="serving_default", /, **inputs):
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        outputs = self.signatures[signature](**tensors)
        return {name: values.numpy() for name, values in outputs.items()}


@pytest.fixture(scope="module")
def exports(version_dirs):
    """Exports by task, each loaded when it is asked for."""
    return functools.cache(lambda name: Exported(name, version_dirs(name)))


@pytest.fixture(params=TASKS)
def exported(exports, request):
    return exports(request.param)


def inputs_of(exported):
    return sample_texts(list(exported.task.raw_inputs), ALL_ROWS)


def test_answers_are_those_of_predict(exported):
    texts = inputs_of(exported)
    rows = [
        {name: decoded(values[row].numpy()) for name, values in texts.items()}
        for row in range(len(ALL_ROWS))
    ]
    expected = list(
        answer_inputs(exported.task, exported.model, rows, path="-", batch_size=2)
    )

    outputs = exported.ask(**texts)

    for row, given in enumerate(rows):
        answer = given | exported.task.to_plain(outputs, row)
        assert_alike(answer, expected[row])


def decoded(value):
    if isinstance(value, np.ndarray):
        return [each.decode() for each in value]
    return value.decode()


def assert_alike(received, expected):
    if isinstance(expected, dict):
        assert received.keys() == expected.keys()
        for name, value in expected.items():
            assert_alike(received[name], value)
    elif isinstance(expected, (list, tuple)):
        assert len(received) == len(expected)
        for one, other in zip(received, expected, strict=True):
            assert_alike(one, other)
    elif isinstance(expected, float):
        assert received == pytest.approx(expected, abs=1e-5, rel=1e-5)
    else:
        assert received == expected


@pytest.mark.parametrize("name", HAS_SEVERAL_INPUTS)
def test_inputs_in_different_numbers_are_refused(exports, name):
    exported = exports(name)
    texts = {name: values.numpy() for name, values in inputs_of(exported).items()}
    *_, last = texts

    with pytest.raises(tf.errors.InvalidArgumentError, match="as many values of each"):
        exported.ask(**texts | {last: texts[last][:1]})


def test_what_is_offered(exported):
    assert set(exported.signatures) == ALWAYS | MORE[exported.name]
    golden = {case["signature"] for case in exported.manifest["golden"]}
    assert golden == set(exported.signatures)
    assert exported.manifest["text_libraries"] == sorted(
        {"_fast_wordpiece_tokenizer.so", *MORE_LIBRARIES.get(exported.name, ())}
    )


@pytest.mark.parametrize("name", IS_PACKED_WHOLE)
def test_ids_are_answered_as_their_text(exports, name):
    exported = exports(name)
    texts = inputs_of(exported)

    packed = exported.ask("preprocess", **texts)
    from_ids = exported.ask("from_ids", **packed)

    assert set(packed) == set(ENCODER_INPUTS)
    from_text = exported.ask(**texts)
    for key, values in from_ids.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(values, from_text[key], atol=1e-5)
        else:
            np.testing.assert_array_equal(values, from_text[key])
    assert set(from_text) - set(from_ids) <= {"choice_text"}


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("tagging", {"probabilities": (2, 5)}),
        ("question_answering", {"start_logits": (2,), "end_logits": (2,)}),
        ("summarisation", {"scores": (2,)}),
    ],
)
def test_what_ids_of_tasks_with_windows_are_answered(exports, name, outputs):
    exported = exports(name)

    packed = exported.ask("preprocess", **inputs_of(exported))
    from_ids = exported.ask("from_ids", **packed)

    assert packed["input_mask"].sum(axis=1).max() <= 24
    batch, length = packed["input_mask"].shape
    assert {key: values.shape for key, values in from_ids.items()} == {
        key: (batch, length, *shape[1:]) for key, shape in outputs.items()
    }


@pytest.mark.parametrize("name", ["classification", "pair_classification"])
def test_classify(exports, name):
    exported = exports(name)
    texts = inputs_of(exported)

    answer = exported.ask("classify", inputs=to_examples(texts))

    labels = [label.encode() for label in LABELS[name]]
    assert answer["classes"].tolist() == [labels] * len(ALL_ROWS)
    expected = exported.ask(**texts)["probabilities"]
    np.testing.assert_allclose(answer["scores"], expected, atol=1e-6)


@pytest.mark.parametrize("name", ["pair_regression", "similarity"])
def test_regress(exports, name):
    exported = exports(name)
    texts = inputs_of(exported)

    answer = exported.ask("regress", inputs=to_examples(texts))

    np.testing.assert_allclose(
        answer["outputs"], exported.ask(**texts)["score"], atol=1e-6
    )


def test_examples_without_their_text_are_refused(exports):
    exported = exports("classification")

    with pytest.raises(tf.errors.InvalidArgumentError, match="text"):
        exported.ask("classify", inputs=[tf.train.Example().SerializeToString()])


def test_the_cosine_of_embeddings_is_the_similarity(exports):
    exported = exports("similarity")
    texts = inputs_of(exported)

    first, second = (
        exported.ask("embed", text=texts[name])["mean_pooled_output"]
        for name in ("text", "text_pair")
    )

    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosine = (first * second).sum(axis=1) / norms
    np.testing.assert_allclose(exported.ask(**texts)["score"], cosine, atol=1e-5)


def test_ids_that_differ_are_encoded_as_the_model_does(exports):
    exported = exports("pair_classification")
    packed = {
        "input_word_ids": np.array([[2, 7, 8, 3, 9, 3, 0], [2, 6, 3, 5, 3, 0, 0]], "i4"),
        "input_mask": np.array([[1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 0, 0]], "i4"),
        "input_type_ids": np.array([[0, 0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 0, 0]], "i4"),
    }

    answer = exported.ask("encode", **packed)

    expected = exported.model.bert(packed)
    for name in ("sequence_output", "pooled_output"):
        np.testing.assert_allclose(answer[name], expected[name], atol=1e-5)


def test_the_model_card_tells_data_figures_and_limits(exported):
    card = (pathlib.Path(exported.path) / MODEL_CARD_FILE).read_text()

    assert card.startswith(f"# {exported.name.replace('_', ' ').capitalize()}\n")
    assert "| train_file | `train.tsv` |" in card
    assert "| accuracy | 0.7500 |" in card
    assert "sees 24 tokens at once" in card
    assert "before it was exported" not in card
    for name in exported.signatures:
        assert f"| `{name}` |" in card
    for label in LABELS.get(exported.name, ()):
        assert label in card


# --- Options, proven like all but with fewer random texts ------------------------------


@pytest.fixture
def _few_random_texts(monkeypatch):
    monkeypatch.setattr(verification, "NUM_FUZZED", 300)


@pytest.mark.usefixtures("_few_random_texts")
def test_top_k_and_length_are_the_users(exports, tmp_path):
    workdir = exports("fill_mask").workdir
    # Also proves what has inputs as long as it may.
    path = export(workdir, str(tmp_path), top_k=2, max_seq_length=8, verify=True)
    signatures = tf.saved_model.load(path).signatures

    answer = signatures["serving_default"](text=tf.constant(["the [MASK] sat " * 9]))

    assert answer["tokens"].shape == (1, 2, 2)
    assert answer["num_masks"] == 2  # [CLS] the [MASK] sat the [MASK] sat [SEP]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 3}, "top_k: expected none for tagging"),
        ({"max_seq_length": 65}, "max_position_embeddings=64, received 65"),
        ({"max_seq_length": 7}, "max_seq_length: expected 8 to"),
    ],
)
def test_options_that_do_not_fit(exports, tmp_path, options, message):
    workdir = exports("tagging").workdir
    with pytest.raises(UserError, match=message):
        export(workdir, str(tmp_path / "export"), **options)

    assert not (tmp_path / "export").exists()


def test_bfloat16_is_close_to_float32(exports, tmp_path):
    exported = exports("classification")
    path = export(exported.workdir, str(tmp_path), dtype="bfloat16")
    signatures = tf.saved_model.load(path).signatures
    texts = ["the cat sat on the mat .", "a very good film", "bob lives in paris", "bad"]
    packed = exported.ask("preprocess", text=texts)
    tensors = {name: tf.constant(ids) for name, ids in packed.items()}

    hidden = signatures["encode"](**tensors)["sequence_output"].numpy()
    answer = signatures["serving_default"](text=tf.constant(texts))

    is_token = packed["input_mask"] > 0
    expected = exported.ask("encode", **packed)["sequence_output"]
    np.testing.assert_allclose(hidden[is_token], expected[is_token], atol=0.1)
    assert not np.array_equal(hidden, expected)
    assert hidden.dtype == np.float32
    assert answer["label"].numpy().tolist() == exported.ask(text=texts)["label"].tolist()


def test_weights_of_bfloat16_are_computed_with_as_the_model_does(exports, tmp_path):
    exported = exports("classification")
    workdir = exported.workdir
    servable = load_servable(workdir, dtype="bfloat16")
    packed = servable.task.pack({"text": tf.constant(["the cat sat .", "bad"])})

    path = export(workdir, str(tmp_path), dtype="bfloat16")

    in_float32 = num_bytes(f"{exported.path}/variables")
    assert num_bytes(f"{path}/variables") < 0.6 * in_float32
    assert "stored as bfloat16" in (pathlib.Path(path) / MODEL_CARD_FILE).read_text()
    answer = tf.saved_model.load(path).signatures["from_ids"](**packed)
    expected = servable.task.answer_ids(servable.model, packed)
    np.testing.assert_allclose(
        answer["probabilities"], expected["probabilities"], atol=0.01
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_inputs_that_hardly_vary_are_normalised_as_they_are(tmp_path, dtype):
    """Where a fused kernel puts an epsilon of its own, this tells (1e-3 for 1e-12).

    In a session, like a server's: in functions loaded one by one, nothing is fused.
    """
    workdir = write_run(tmp_path, "classification", scale=0.01)
    task, model = load_finetuned(workdir)
    packed = task.pack({"text": tf.constant(["the cat sat on the mat ."] * 8)})
    expected = model.bert(packed)["sequence_output"]
    path = export(workdir, str(tmp_path / "export"), dtype=dtype)

    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], path)
        signature = loaded.signature_def["encode"]
        hidden = session.run(
            signature.outputs["sequence_output"].name,
            {signature.inputs[name].name: ids.numpy() for name, ids in packed.items()},
        )

    tolerance = 1e-4 if dtype == "float32" else 0.1
    np.testing.assert_allclose(hidden, expected, atol=tolerance)


@pytest.mark.usefixtures("_few_random_texts")
@pytest.mark.parametrize("name", ["fill_mask", "seq2seq"])
def test_weights_may_be_tied_and_read_in_a_loop(exports, tmp_path, name):
    export(exports(name).workdir, str(tmp_path), dtype="bfloat16", verify=True)


@pytest.mark.usefixtures("_few_random_texts")
@pytest.mark.parametrize("sampler", ["beam", "top_p"])
def test_texts_are_written_by_every_sampler(exports, tmp_path, sampler):
    workdir = exports("seq2seq").workdir
    sampling = Sampling(sampler)
    path = export(workdir, str(tmp_path), sampling=sampling, verify=True)
    task, model = load_finetuned(workdir, sampling=sampling)
    card = (pathlib.Path(path) / MODEL_CARD_FILE).read_text()
    assert f"| sampler | {sampler} |" in card
    assert f"before it was exported with sampling={sampling}." in card
    texts = ["the cat sat on the mat .", "bob lives in paris"]

    answer = tf.saved_model.load(path).signatures["serving_default"](
        text=tf.constant(texts)
    )

    inputs = [{"text": text} for text in texts]
    expected = answer_inputs(task, model, inputs, path="-", batch_size=2)
    generated = [text.decode() for text in answer["generated"].numpy()]
    assert generated == [each["generated"] for each in expected]
