"""A pretraining's SavedModel: what it answers, what is in its folder, who may load it."""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from bert_tf.config import (
    BertConfig,
    InputConfig,
    OptimizerConfig,
    PretrainConfig,
    Sampling,
)
from bert_tf.data.vocab import load_vocabulary
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints.run_dir import load_run
from bert_tf.serving import export_lib
from bert_tf.serving.export_lib import MANIFEST_FILE, export
from bert_tf.serving.stored_model import ops_of
from bert_tf.training.train_lib import train_and_evaluate
from tests.made_data import VOCABULARY, write_data_set


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_data_set(folder / "data")
    config = PretrainConfig(
        model=BertConfig(
            vocab_size=len(VOCABULARY),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=16,
            initializer_range=0.5,
        ),
        input=InputConfig(data_dir=str(folder / "data"), train_batch_size=8),
        optimizer=OptimizerConfig(warmup_steps=1),
        num_train_steps=4,
        steps_per_log=2,
        steps_per_checkpoint=2,
        steps_per_eval=2,
    )
    train_and_evaluate(config, str(folder / "run"))
    return str(folder / "run")


@pytest.fixture(scope="module")
def version_dir(workdir, tmp_path_factory):
    return export(workdir, str(tmp_path_factory.mktemp("export")), top_k=3)


@pytest.fixture(scope="module")
def signatures(version_dir):
    loaded = tf.saved_model.load(version_dir)
    signatures = dict(loaded.signatures)
    signatures["keep"] = loaded
    return signatures


def model_inputs(ids):
    ids = np.array([[VOCABULARY.cls_id, *ids, VOCABULARY.sep_id]], "int32")
    return {
        "input_word_ids": ids,
        "input_mask": np.ones_like(ids),
        "input_type_ids": np.zeros_like(ids),
    }


def test_fill_mask_answers_as_the_model_does(workdir, signatures):
    model, _, _ = load_run(workdir)
    a, bs, mask = VOCABULARY.ids["a"], VOCABULARY.ids["##b"], VOCABULARY.mask_id

    answer = signatures["serving_default"](text=tf.constant(["ab [MASK] a[MASK]"]))

    inputs = model_inputs([a, bs, mask, a, mask])
    logits = model(inputs | {"masked_lm_positions": np.array([[3, 5]])})[
        "masked_lm_logits"
    ]
    probabilities = tf.nn.softmax(logits)[0].numpy()
    best = np.argsort(-probabilities, axis=-1)[:, :3]
    expected = [[VOCABULARY.tokens[token] for token in row] for row in best]
    assert answer["num_masks"].numpy().tolist() == [2]
    assert np.char.decode(answer["tokens"][0].numpy().astype("S")).tolist() == expected
    np.testing.assert_allclose(
        answer["probabilities"][0], np.take_along_axis(probabilities, best, 1), atol=1e-4
    )


def test_rows_of_a_batch_do_not_touch_each_other(signatures):
    texts = ["[MASK]", "a b", "", "[MASK][MASK] c [MASK]", "é 日 [MASK]", "abc" * 200]

    together = signatures["serving_default"](text=tf.constant(texts))

    assert together["num_masks"].numpy().tolist() == [1, 0, 0, 3, 1, 0]
    assert together["tokens"].shape == (6, 3, 3)
    for row, text in enumerate(texts):
        alone = signatures["serving_default"](text=tf.constant([text]))
        count = int(alone["num_masks"][0])
        np.testing.assert_allclose(
            together["probabilities"][row, :count],
            alone["probabilities"][0],
            atol=1e-4,
        )
        assert not together["probabilities"][row, count:].numpy().any()
        assert set(together["tokens"][row, count:].numpy().ravel()) <= {b""}


@pytest.mark.parametrize("name", ["serving_default", "preprocess", "embed"])
def test_no_text_at_all(signatures, name):
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least one value"):
        signatures[name](text=tf.constant([], tf.string))


@pytest.mark.parametrize("name", ["from_ids", "encode"])
@pytest.mark.parametrize("shape", [[0, 4], [1, 0]])
def test_no_ids_at_all(signatures, name, shape):
    ids = tf.zeros(shape, tf.int32)

    with pytest.raises(tf.errors.InvalidArgumentError, match="at least one id"):
        signatures[name](input_word_ids=ids, input_mask=ids, input_type_ids=ids)


def test_many_texts_without_a_mask(signatures):
    answer = signatures["serving_default"](text=tf.constant(["a b"] * 40))

    assert answer["tokens"].shape == (40, 0, 3)


def test_a_mask_beyond_the_longest_text_is_cut_off(signatures):
    text = " ".join(["a"] * 14 + ["[MASK]"])

    assert signatures["serving_default"](text=tf.constant([text]))["num_masks"][0] == 0


def test_embed_answers_as_the_model_does(workdir, signatures):
    model, _, _ = load_run(workdir)
    a, bs = VOCABULARY.ids["a"], VOCABULARY.ids["##b"]

    answer = signatures["embed"](text=tf.constant(["AB", "a a a a"]))

    outputs = model.bert(model_inputs([a, bs]))
    np.testing.assert_allclose(
        answer["pooled_output"][0], outputs["pooled_output"][0], atol=1e-4
    )
    np.testing.assert_allclose(
        answer["mean_pooled_output"][0],
        outputs["sequence_output"][0].numpy().mean(axis=0),
        atol=1e-4,
    )


def test_encode_answers_as_the_model_does_on_inputs_that_differ(workdir, signatures):
    model, _, _ = load_run(workdir)
    inputs = {
        "input_word_ids": np.array([[2, 7, 8, 3, 9, 3, 0], [2, 6, 3, 5, 3, 0, 0]], "i4"),
        "input_mask": np.array([[1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 0, 0]], "i4"),
        "input_type_ids": np.array([[0, 0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 0, 0]], "i4"),
    }

    answer = signatures["encode"](**{k: tf.constant(v) for k, v in inputs.items()})

    expected = model.bert(inputs)
    for name in ("sequence_output", "pooled_output"):
        np.testing.assert_allclose(answer[name], expected[name], atol=1e-4)


def test_encode_refuses_sequences_longer_than_the_model(signatures):
    ids = tf.ones([1, 17], tf.int32)

    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 16 ids"):
        signatures["encode"](input_word_ids=ids, input_mask=ids, input_type_ids=ids)


@pytest.mark.parametrize("name", ["encode", "from_ids"])
@pytest.mark.parametrize("shape", [[1, 4], [2, 1], [2, 3]])
def test_ids_want_a_mask_each(signatures, name, shape):
    ids = tf.ones([2, 4], tf.int32)
    mask = tf.ones(shape, tf.int32)

    with pytest.raises(tf.errors.InvalidArgumentError, match="of the same shape"):
        signatures[name](input_word_ids=ids, input_mask=mask, input_type_ids=ids)


def test_weights_are_stored_once(workdir, version_dir):
    model, _, _ = load_run(workdir)
    folder = pathlib.Path(version_dir) / "variables"
    num_bytes = sum(path.stat().st_size for path in folder.iterdir())

    # Names and shapes take some kilobytes; a second copy would double the rest.
    assert 1 <= num_bytes / (4 * model.count_params()) < 1.5


def test_the_vocabulary_is_an_asset(version_dir):
    path = pathlib.Path(version_dir) / "assets" / "vocab.txt"

    assert load_vocabulary(str(path)) == VOCABULARY


def test_the_manifest_tells_what_was_exported(version_dir):
    manifest = json.loads((pathlib.Path(version_dir) / MANIFEST_FILE).read_text())

    assert manifest["checkpoint"] == "step-4"
    assert manifest["vocab_digest"] == VOCABULARY.digest
    assert manifest["task"]["name"] == "fill_mask"
    assert manifest["task"]["max_seq_length"] == 16
    assert manifest["options"] == {"top_k": 3}
    assert manifest["versions"]["tensorflow"] == tf.__version__
    assert {case["signature"] for case in manifest["golden"]} == {
        "serving_default",
        "preprocess",
        "from_ids",
        "encode",
        "embed",
    }
    assert manifest["ops"] == ops_of(version_dir)


def test_each_export_is_a_new_version(workdir, tmp_path):
    (tmp_path / "7").mkdir()

    assert export(workdir, str(tmp_path)) == str(tmp_path / "8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7", "8"]


def test_an_export_that_answers_wrongly_gets_no_name(workdir, tmp_path, monkeypatch):
    golden_cases = export_lib.golden_cases

    def spoiled(functions):
        cases = golden_cases(functions)
        cases[0]["outputs"]["num_masks"][0] += 1
        return cases

    monkeypatch.setattr(export_lib, "golden_cases", spoiled)

    with pytest.raises(RuntimeError, match="serving_default gives other num_masks"):
        export(workdir, str(tmp_path))

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_seq_length": 17}, "max_position_embeddings=16, received 17"),
        ({"max_seq_length": 2}, "max_seq_length: expected 8 to"),
        ({"top_k": 0}, "top_k: expected 1 to the vocabulary's 28, received 0"),
        ({"top_k": 29}, "received 29"),
        (
            {"sampling": Sampling("beam")},
            "sampling: expected .* received one of fill_mask",
        ),
    ],
)
def test_options_that_do_not_fit(workdir, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        export(workdir, str(tmp_path / "export"), **options)

    assert not (tmp_path / "export").exists()


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(UserError, match=r"Expected the folder of a run, received"):
        export(str(tmp_path), str(tmp_path / "export"))


def copy_run(workdir, target):
    """All files of a run, without its checkpoints."""
    for path in pathlib.Path(workdir).iterdir():
        if path.is_file():
            (target / path.name).write_bytes(path.read_bytes())


def test_a_run_whose_vocabulary_was_replaced(workdir, tmp_path):
    shutil.copytree(workdir, tmp_path / "run")
    vocab_file = tmp_path / "run" / "vocab.txt"
    vocab_file.write_text(vocab_file.read_text().replace("##a\n", "##z\n"))

    with pytest.raises(UserError, match="Expected the vocabulary that"):
        export(str(tmp_path / "run"), str(tmp_path / "export"))


def test_a_run_of_another_version(workdir, tmp_path):
    copy_run(workdir, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | {"new_field": 1}
    (tmp_path / "config.json").write_text(json.dumps(config))

    with pytest.raises(UserError, match="new_field"):
        export(str(tmp_path), str(tmp_path / "export"))


def test_a_folder_that_cannot_be_made(workdir, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(UserError, match="folder that can be made"):
        export(workdir, str(tmp_path / "file" / "export"))


def test_a_run_without_a_checkpoint(workdir, tmp_path):
    copy_run(workdir, tmp_path)

    with pytest.raises(UserError, match=r"Expected a checkpoint in"):
        export(str(tmp_path), str(tmp_path / "export"))
