"""Hugging Face's folders, there and back."""

import dataclasses
import json
import pathlib
import shutil

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bert_tf.data.vocab import Vocabulary
from bert_tf.errors import UserError
from bert_tf.modeling.checkpoints import hugging_face
from tests.modeling.checkpoints.golden import assert_outputs_equal
from tests.modeling.checkpoints.pretrained_cases import (
    TOKENS,
    assert_same,
    make_pretrained,
)

GOLDEN = pathlib.Path(__file__).parents[2] / "golden"
ARCHITECTURES = {
    (): "BertModel",
    ("masked_lm", "next_sentence"): "BertForPreTraining",
    ("masked_lm",): "BertForMaskedLM",
    ("next_sentence",): "BertForNextSentencePrediction",
    ("sequence_classifier",): "BertForSequenceClassification",
    ("token_classifier",): "BertForTokenClassification",
    ("answer_span",): "BertForQuestionAnswering",
    ("choice_scorer",): "BertForMultipleChoice",
}


def change_settings(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize("name", ["hf_tiny_bert_gelu", "hf_tiny_bert_gelu_new"])
def test_outputs_and_round_trip(name, tmp_path):
    pretrained = hugging_face.read(str(GOLDEN / name))

    assert_outputs_equal(pretrained, GOLDEN / name)
    hugging_face.write(pretrained, str(tmp_path))
    written = load_file(tmp_path / "model.safetensors")
    originals = load_file(GOLDEN / name / "model.safetensors")
    assert set(written) == set(originals)
    for tensor, values in originals.items():
        np.testing.assert_array_equal(written[tensor], values)
    settings, original = (
        json.loads((folder / "config.json").read_text())
        for folder in (tmp_path, GOLDEN / name)
    )
    assert settings == {key: original[key] for key in settings}


@pytest.mark.parametrize("heads", ARCHITECTURES)
def test_round_trip_of_each_head(heads, tmp_path):
    labels = ("no", "yes", "it depends") if "classifier" in str(heads) else ()
    pretrained = make_pretrained(
        *heads, labels=labels, hidden_act="gelu", do_lower_case=False
    )

    coverage = hugging_face.write(pretrained, str(tmp_path))

    assert set(coverage.loaded) == set(pretrained.weights)
    assert_same(hugging_face.read(str(tmp_path)), pretrained)
    settings = json.loads((tmp_path / "config.json").read_text())
    assert settings["architectures"] == [ARCHITECTURES[heads]]
    has_prefix = any(
        name.startswith("bert.") for name in load_file(tmp_path / "model.safetensors")
    )
    assert has_prefix == bool(heads)


@pytest.mark.parametrize(
    ("head", "num_labels", "problem_type"),
    [
        ("sequence_classifier", 1, "regression"),
        ("sequence_classifier", 3, None),
        ("token_classifier", 1, None),
    ],
)
def test_outputs_without_names_are_counted(head, num_labels, problem_type, tmp_path):
    pretrained = make_pretrained(head, num_labels=num_labels)

    hugging_face.write(pretrained, str(tmp_path))

    settings = json.loads((tmp_path / "config.json").read_text())
    numbers = range(num_labels)
    assert settings["id2label"] == {str(i): f"LABEL_{i}" for i in numbers}
    assert settings["label2id"] == {f"LABEL_{i}": i for i in numbers}
    assert settings.get("problem_type") == problem_type
    assert_same(hugging_face.read(str(tmp_path)), pretrained)


@pytest.mark.parametrize("head", ["sequence_classifier", "token_classifier"])
@pytest.mark.parametrize(
    "id2label",
    [
        {"0": "a", "1": "b"},
        {"0": "a", "1": "b", "2": "c", "3": "d"},
        {"0": "a", "1": "b", "3": "c"},
        {"0": "a", "1": "b", "2": "b"},
    ],
)
def test_names_that_do_not_fit_the_outputs_are_refused(head, id2label, tmp_path):
    hugging_face.write(make_pretrained(head, num_labels=3), str(tmp_path))
    change_settings(tmp_path, id2label=id2label)

    with pytest.raises(
        UserError, match=r"id2label: expected a name .* classifier's 3 out"
    ):
        hugging_face.read(str(tmp_path))


def test_names_without_a_classifier_are_of_no_concern(tmp_path):
    hugging_face.write(make_pretrained("masked_lm"), str(tmp_path))
    change_settings(tmp_path, id2label={"0": "a", "2": "b"})

    hugging_face.read(str(tmp_path))


@pytest.mark.parametrize("head", ["choice_scorer", "answer_span", "masked_lm"])
def test_heads_that_need_no_labels(head, tmp_path):
    hugging_face.write(make_pretrained(head), str(tmp_path))

    settings = json.loads((tmp_path / "config.json").read_text())
    assert not {"id2label", "label2id", "problem_type"} & settings.keys()


def test_classes_that_do_not_exclude_each_other_are_told_of(tmp_path, caplog):
    hugging_face.write(make_pretrained(), str(tmp_path))
    path = tmp_path / "config.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps(settings | {"problem_type": "multi_label_classification"}))

    with caplog.at_level("WARNING"):
        hugging_face.read(str(tmp_path))

    assert "are read as classes of which it has one" in caplog.text


def test_old_names_and_constants(tmp_path):
    pretrained = make_pretrained("masked_lm")
    hugging_face.write(pretrained, str(tmp_path))
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): values
        for name, values in weights.items()
    }
    old["bert.embeddings.position_ids"] = np.arange(7)[None]
    old["cls.predictions.decoder.weight"] = weights[
        "bert.embeddings.word_embeddings.weight"
    ]
    old["something.else"] = np.zeros(1, "float32")
    save_file(old, path)

    received = hugging_face.read(str(tmp_path))

    assert_same(received, pretrained)
    assert received.coverage.skipped == {
        "constants": ("bert.embeddings.position_ids",),
        "tied to others": ("cls.predictions.decoder.weight",),
    }
    assert received.coverage.unexpected == ("something.else",)
    assert "unexpected  1: something.else" in received.coverage.format()


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16])
def test_half_precision_is_widened(dtype, tmp_path):
    pretrained = make_pretrained()
    hugging_face.write(pretrained, str(tmp_path))
    path = tmp_path / "model.safetensors"
    narrow = {name: values.astype(dtype) for name, values in load_file(path).items()}
    save_file(narrow, path)

    received = hugging_face.read(str(tmp_path))

    for name, values in received.weights.items():
        assert values.dtype == np.float32
        expected = pretrained.weights[name].astype(dtype).astype("float32")
        np.testing.assert_array_equal(values, expected)


def test_weights_in_several_files(tmp_path):
    pretrained = make_pretrained("masked_lm")
    hugging_face.write(pretrained, str(tmp_path))
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    names = sorted(weights)
    files = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for file, part in files.items():
        save_file({name: weights[name] for name in part}, tmp_path / file)
    weight_map = {name: file for file, part in files.items() for name in part}
    (tmp_path / hugging_face.INDEX_FILE).write_text(
        json.dumps({"weight_map": weight_map})
    )
    path.unlink()

    assert_same(hugging_face.read(str(tmp_path)), pretrained)


def test_a_vocabulary_in_tokenizer_json_alone(tmp_path):
    pretrained = make_pretrained(do_lower_case=True)
    hugging_face.write(pretrained, str(tmp_path))
    (tmp_path / "vocab.txt").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    tokenizer = {
        "normalizer": {"type": "BertNormalizer", "lowercase": False},
        "added_tokens": [{"id": 0, "content": "[PAD]"}],
        "model": {
            "type": "WordPiece",
            "vocab": {token: number for number, token in enumerate(TOKENS)},
        },
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))

    received = hugging_face.read(str(tmp_path))

    assert received.vocabulary == pretrained.vocabulary
    assert received.config.do_lower_case is False


def test_a_token_of_which_nothing_is_left_gets_a_name(tmp_path):
    pretrained = make_pretrained()
    hugging_face.write(pretrained, str(tmp_path))
    (tmp_path / "vocab.txt").unlink()
    ids = {token: number for number, token in enumerate(TOKENS)}
    last = ids.pop(TOKENS[-1])
    path = tmp_path / "tokenizer.json"
    path.write_text(
        json.dumps({"model": {"type": "WordPiece", "vocab": ids | {"": last}}})
    )

    tokens = hugging_face.read(str(tmp_path)).vocabulary.tokens

    assert tokens == (*TOKENS[:-1], "[unused0]")


def test_tokens_that_were_added_are_in_tokenizer_json_alone(tmp_path):
    pretrained = make_pretrained()
    hugging_face.write(pretrained, str(tmp_path))
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS[:-1]))
    tokenizer = {
        "added_tokens": [{"id": len(TOKENS) - 1, "content": TOKENS[-1]}],
        "model": {
            "type": "WordPiece",
            "vocab": {token: number for number, token in enumerate(TOKENS[:-1])},
        },
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))

    assert hugging_face.read(str(tmp_path)).vocabulary == pretrained.vocabulary


def test_added_tokens_that_no_text_gives_are_told(tmp_path, caplog):
    vocabulary = Vocabulary((*TOKENS[:-3], "[GENE]", "new", "town"))
    pretrained = dataclasses.replace(make_pretrained(), vocabulary=vocabulary)
    hugging_face.write(pretrained, str(tmp_path))
    added = [
        {"id": number, "content": token} for number, token in enumerate(vocabulary.tokens)
    ]
    tokenizer = {"added_tokens": [*added[:5], *added[-3:]]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))

    with caplog.at_level("WARNING"):
        hugging_face.read(str(tmp_path))

    assert f"{tmp_path}: 1 added tokens ([GENE]) are not found in texts" in caplog.text


def test_embeddings_that_fill_up_to_a_multiple_of_8(tmp_path, caplog):
    size = 16
    words = np.zeros((size, 8), np.float32)
    pretrained = make_pretrained()
    path = "bert/embeddings/word_embeddings"
    filled = dataclasses.replace(
        pretrained,
        config=dataclasses.replace(pretrained.config, vocab_size=size),
        weights={**pretrained.weights, path: words},
    )
    hugging_face.write(filled, str(tmp_path))

    with caplog.at_level("WARNING"):
        received = hugging_face.read(str(tmp_path))

    added = [f"[unused{number}]" for number in range(size - len(TOKENS))]
    assert received.vocabulary.tokens == (*TOKENS, *added)
    assert f"the last {len(added)} of 16 embeddings have no token" in caplog.text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "roberta"}, 'model_type="bert" .* received "roberta"'),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
        ({"is_decoder": True}, "is_decoder=false .* received true"),
        ({"hidden_act": "relu"}, "hidden_act gelu .* received 'relu'"),
        ({"hidden_act": ["gelu"]}, r"hidden_act gelu .* received \['gelu'\]"),
        ({"hidden_size": "8"}, "hidden_size: expected a whole number, received '8'"),
        ({"num_hidden_layers": [2]}, "num_hidden_layers: expected a whole number"),
        ({"layer_norm_eps": "1e-12"}, "layer_norm_eps: expected a number, received"),
        ({"hidden_dropout_prob": {}}, "hidden_dropout_prob: expected a number"),
        ({"architectures": "BertModel"}, "architectures: expected a list of names"),
        ({"id2label": ["no"]}, r"id2label: expected names by numbers, .* \['no'\]"),
        ({"id2label": {"a": "no"}}, "id2label: expected names by numbers, received"),
        ({"vocab_size": 11}, r"shape \(11, 8\) for bert/embeddings/word_embeddings"),
        ({"num_hidden_layers": 1}, "num_hidden_layers=1, received one that has 'bert.e"),
    ],
)
def test_other_models_are_refused(settings, message, tmp_path):
    hugging_face.write(make_pretrained(), str(tmp_path))
    change_settings(tmp_path, **settings)

    with pytest.raises(UserError, match=message):
        hugging_face.read(str(tmp_path))


def test_accents_kept_in_lower_case_are_refused(tmp_path):
    hugging_face.write(make_pretrained(), str(tmp_path))
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"do_lower_case": True, "strip_accents": False})
    )

    with pytest.raises(UserError, match="strips accents if it lower-cases"):
        hugging_face.read(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer_config.json", {"tokenize_chinese_chars": False}, "received false"),
        ("tokenizer_config.json", {"do_basic_tokenize": False}, "received false"),
        ("tokenizer_config.json", {"word_tokenizer_type": "mecab"}, 'received "mecab"'),
        (
            "tokenizer.json",
            {"normalizer": {"type": "BertNormalizer", "handle_chinese_chars": False}},
            "handle_chinese_chars=true in .*tokenizer.json, received false",
        ),
        (
            "tokenizer.json",
            {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}]}},
            'type="BertNormalizer" in the normalizer of .*, received "Sequence"',
        ),
        ("tokenizer.json", {"normalizer": None}, "received null"),
        (
            "tokenizer.json",
            {"pre_tokenizer": {"type": "WhitespaceSplit"}},
            'type="BertPreTokenizer" in the pre_tokenizer of .*',
        ),
        ("tokenizer.json", {"model": {"type": "BPE"}}, 'received "BPE"'),
        ("tokenizer.json", {"model": {"unk_token": "<unk>"}}, 'received "<unk>"'),
        (
            "tokenizer.json",
            {"model": {"continuing_subword_prefix": "@@"}},
            'received "@@"',
        ),
        (
            "tokenizer.json",
            {"model": {"max_input_chars_per_word": 8}},
            "max_input_chars_per_word=100 or 200 in the model of .*, received 8",
        ),
    ],
)
def test_tokens_of_another_kind_are_refused(name, content, message, tmp_path):
    hugging_face.write(make_pretrained(), str(tmp_path))
    (tmp_path / name).write_text(json.dumps(content))

    with pytest.raises(UserError, match=f"{message}, which this package does not have"):
        hugging_face.read(str(tmp_path), do_lower_case=True)


def test_masked_words_by_a_matrix_of_their_own_are_refused(tmp_path):
    hugging_face.write(make_pretrained("masked_lm"), str(tmp_path))
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    words = weights["bert.embeddings.word_embeddings.weight"]
    save_file(weights | {"cls.predictions.decoder.weight": words + 1}, path)
    hugging_face.read(str(tmp_path))  # transformers does not look at it either

    change_settings(tmp_path, tie_word_embeddings=False)
    with pytest.raises(UserError, match=r"decoder\.weight to equal .* other values"):
        hugging_face.read(str(tmp_path))

    save_file(weights | {"cls.predictions.decoder.weight": words}, path)
    hugging_face.read(str(tmp_path))


def test_missing_and_damaged_files(tmp_path):
    hugging_face.write(make_pretrained(), str(tmp_path / "whole"))
    for name, damage, message in (
        ("model.safetensors", None, "save_pretrained of transformers"),
        ("model.safetensors", b"\x08\x00", "Expected a file of safetensors"),
        ("config.json", None, r"Expected config\.json in"),
        ("config.json", b"{", "Expected JSON in"),
    ):
        folder = tmp_path / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "whole", folder)
        (folder / name).unlink()
        if damage:
            (folder / name).write_bytes(damage)

        with pytest.raises(UserError, match=message):
            hugging_face.read(str(folder))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", {"model": ["WordPiece"]}),
        ("tokenizer.json", {"model": {"vocab": 7}}),
        ("tokenizer.json", {"model": {"vocab": {"a": 0, "b": "1"}}}),
        ("tokenizer.json", {"model": {"vocab": {}}, "added_tokens": [{"id": 0}]}),
        ("tokenizer.json", {"model": {"vocab": {}}, "added_tokens": 1}),
        ("model.safetensors.index.json", {"metadata": {}}),
        ("model.safetensors.index.json", {"weight_map": ["model.safetensors"]}),
        ("model.safetensors.index.json", {"weight_map": {"a": 1, "b": "c"}}),
    ],
)
def test_files_of_another_layout(name, content, tmp_path):
    hugging_face.write(make_pretrained(), str(tmp_path))
    (tmp_path / "vocab.txt").unlink()
    (tmp_path / name).write_text(json.dumps(content))

    with pytest.raises(UserError, match=rf"Expected .*{name} as transformers writes it"):
        hugging_face.read(str(tmp_path))


def test_a_normalizer_of_another_layout(tmp_path):
    hugging_face.write(make_pretrained(), str(tmp_path))
    (tmp_path / "tokenizer.json").write_text('{"normalizer": ["BertNormalizer"]}')

    with pytest.raises(UserError, match="as transformers writes it, received another"):
        hugging_face.read(str(tmp_path))


def test_heads_that_no_model_of_theirs_has_together(tmp_path):
    pretrained = make_pretrained("masked_lm", "answer_span")

    with pytest.raises(UserError, match="received answer_span, masked_lm"):
        hugging_face.write(pretrained, str(tmp_path))
