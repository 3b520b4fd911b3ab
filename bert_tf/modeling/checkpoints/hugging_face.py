"""Hugging Face's folders: config.json, safetensors, vocab.txt or tokenizer.json."""

import contextlib
import itertools
import json
import os
import tempfile
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from bert_tf.config import SPECIAL_TOKENS, BertConfig
from bert_tf.config.checks import require
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import Vocabulary, save_vocabulary
from bert_tf.data.word_splitting import MAX_WORD_LENGTH
from bert_tf.errors import UserError
from bert_tf.files import make_folder, read_json, write_atomically
from bert_tf.modeling.checkpoints.coverage import Coverage
from bert_tf.modeling.checkpoints.pretrained import (
    Pretrained,
    find_vocabulary,
    is_lower_case,
)
from bert_tf.modeling.checkpoints.shapes import CLASSIFIERS, head_of
from bert_tf.modeling.checkpoints.weight_names import (
    WeightNames,
    Weights,
    to_ours,
    to_theirs,
)

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
_TOKENIZER_FILE = "tokenizer.json"
_TOKENIZER_CONFIG_FILE = "tokenizer_config.json"

_PREFIX = "bert."  # of the encoder's names where there is a head
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_fast": "gelu_new",
}
_FIELDS = (
    "attention_probs_dropout_prob",
    "hidden_dropout_prob",
    "hidden_size",
    "initializer_range",
    "intermediate_size",
    "layer_norm_eps",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "type_vocab_size",
    "vocab_size",
)
# Of safetensors' own functions those for NumPy do not know bfloat16.
_DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": tf.bfloat16.as_numpy_dtype,
}
# What must be one of these if it is given, or the model is another one.
_REQUIRED = {
    "model_type": ["bert"],
    "position_embedding_type": ["absolute"],
    "is_decoder": [False],
    "add_cross_attention": [False],
}
# The same of its tokens.
_REQUIRED_OF_TOKENIZER = {
    "do_basic_tokenize": [True],
    "tokenize_chinese_chars": [True],
    "word_tokenizer_type": ["basic"],
    "subword_tokenizer_type": ["wordpiece"],
}
# Rows are added for the sake of speed to the next multiple of 8, or up to 128.
_PADDING, _MAX_PADDING = 8, 128
_SHOWN = 5  # of tokens that a warning names
# The same of the parts of tokenizer.json.
_REQUIRED_OF_PARTS = {
    "normalizer": {
        "type": ["BertNormalizer"],
        "clean_text": [True],
        "handle_chinese_chars": [True],
    },
    "pre_tokenizer": {"type": ["BertPreTokenizer"]},
    "model": {
        "type": ["WordPiece"],
        "unk_token": ["[UNK]"],
        "continuing_subword_prefix": ["##"],
        # What transformers writes, and what the original has and is done here.
        "max_input_chars_per_word": [100, MAX_WORD_LENGTH],
    },
}
# What has the values of another, unless tie_word_embeddings says no.
_TIED = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
# The heads by the names of the models that have them; what their layer is called does
# not tell three of them apart.
_ARCHITECTURES = {
    ("masked_lm", "next_sentence"): "BertForPreTraining",
    ("masked_lm",): "BertForMaskedLM",
    ("next_sentence",): "BertForNextSentencePrediction",
    ("sequence_classifier",): "BertForSequenceClassification",
    ("token_classifier",): "BertForTokenClassification",
    ("answer_span",): "BertForQuestionAnswering",
    ("choice_scorer",): "BertForMultipleChoice",
    (): "BertModel",
}
_CLASSIFIERS = {
    "BertForSequenceClassification": "sequence_classifier",
    "BertForTokenClassification": "token_classifier",
    "BertForMultipleChoice": "choice_scorer",
}


def weight_names(*, classifier: str = "sequence_classifier") -> WeightNames:
    """The names, with `classifier` the one of our heads that `classifier.*` is."""
    return WeightNames(
        variables={
            **{
                f"bert/embeddings/{name}_embeddings": (
                    f"bert.embeddings.{name}_embeddings.weight"
                )
                for name in ("word", "position", "token_type")
            },
            "masked_lm/output_bias": "cls.predictions.bias",
        },
        modules={
            "bert/embeddings/layer_norm": "bert.embeddings.LayerNorm",
            **{
                f"bert/layer_{{}}/attention/{name}": (
                    f"bert.encoder.layer.{{}}.attention.self.{name}"
                )
                for name in ("query", "key", "value")
            },
            "bert/layer_{}/attention_output": (
                "bert.encoder.layer.{}.attention.output.dense"
            ),
            "bert/layer_{}/attention_layer_norm": (
                "bert.encoder.layer.{}.attention.output.LayerNorm"
            ),
            "bert/layer_{}/intermediate": "bert.encoder.layer.{}.intermediate.dense",
            "bert/layer_{}/output": "bert.encoder.layer.{}.output.dense",
            "bert/layer_{}/output_layer_norm": "bert.encoder.layer.{}.output.LayerNorm",
            "bert/pooler": "bert.pooler.dense",
            "masked_lm/transform": "cls.predictions.transform.dense",
            "masked_lm/transform_layer_norm": "cls.predictions.transform.LayerNorm",
            "next_sentence/classifier": "cls.seq_relationship",
            "answer_span": "qa_outputs",
            classifier: "classifier",
        },
        last_parts={
            "kernel": ".weight",
            "bias": ".bias",
            "gamma": ".weight",
            "beta": ".bias",
        },
        transposed=".*/kernel",
        skipped={
            r"bert\.embeddings\.(position|token_type)_ids": "constants",
            r"cls\.predictions\.decoder\.(weight|bias)": "tied to others",
        },
    )


def read(path: str, *, do_lower_case: bool | None = None) -> Pretrained:
    """Reads a folder.

    Args:
        path: with config.json and model.safetensors, in one file or several.
        do_lower_case: how its vocabulary was made; None for what the tokenizer's files
            tell, or else what the vocabulary shows.

    Raises:
        UserError: a file is missing or says what this model cannot do.
    """
    settings = read_json(os.path.join(path, CONFIG_FILE))
    if settings is None:
        raise UserError(
            f"Expected {CONFIG_FILE} in {path!r}, found none; give the model's folder."
        )
    _check_settings(settings, path)
    tokens, tokenizer = _read_tokenizer(path)
    size = settings.get("vocab_size", BertConfig().vocab_size)
    vocabulary = _vocabulary_of(path, tokenizer, size=size)
    if do_lower_case is None:
        do_lower_case = _lower_case(tokens, tokenizer.get("normalizer", {}), path)
    config = BertConfig(
        **{name: settings[name] for name in _FIELDS if name in settings},
        hidden_act=_ACTIVATIONS[settings.get("hidden_act", "gelu")],
        do_lower_case=is_lower_case(vocabulary, do_lower_case),
    )
    config.validate()
    if vocabulary:
        _tell_of_added(path, tokenizer, vocabulary, lower_case=config.do_lower_case)
    architecture = next(iter(settings.get("architectures") or ["BertModel"]))
    names = weight_names(classifier=_CLASSIFIERS.get(architecture, "sequence_classifier"))
    theirs = _with_full_names(_read_weights(path))
    if not settings.get("tie_word_embeddings", True):
        _check_tied(theirs, path)
    weights, coverage = to_ours(theirs, names, config)
    labels = _labels(settings, weights, path)
    return Pretrained(config, weights, vocabulary, coverage, labels=labels)


def write(pretrained: Pretrained, folder: str) -> Coverage:
    """Writes a folder that `from_pretrained` of transformers reads.

    Args:
        pretrained: with layer normalisation after each block.
        folder: made if need be.

    Returns:
        What became of each weight.

    Raises:
        UserError: the folder cannot be written.
    """
    config = pretrained.config
    heads = sorted({head for head in map(head_of, pretrained.weights) if head})
    architecture = _ARCHITECTURES.get(tuple(heads))
    if architecture is None:
        raise UserError(
            "Expected heads that a model of Hugging Face's has together, received "
            f"{', '.join(heads)}; write one of them."
        )
    names = weight_names(classifier=_CLASSIFIERS.get(architecture, "sequence_classifier"))
    theirs, coverage = to_theirs(pretrained.weights, names, config)
    if not heads:
        theirs = {name.removeprefix(_PREFIX): values for name, values in theirs.items()}
    settings = {
        "architectures": [architecture],
        "model_type": "bert",
        **{name: getattr(config, name) for name in _FIELDS},
        "hidden_act": config.hidden_act,
    }
    settings |= _label_settings(pretrained, heads)
    make_folder(folder)
    _write_weights(theirs, os.path.join(folder, WEIGHTS_FILE))
    if pretrained.vocabulary:
        save_vocabulary(pretrained.vocabulary, os.path.join(folder, "vocab.txt"))
        settings["pad_token_id"] = pretrained.vocabulary.pad_id
        _write_json(
            folder,
            _TOKENIZER_CONFIG_FILE,
            {
                "tokenizer_class": "BertTokenizer",
                "do_lower_case": config.do_lower_case,
                "model_max_length": config.max_position_embeddings,
            },
        )
    _write_json(folder, CONFIG_FILE, settings)
    return coverage


def _require(
    settings: Mapping[str, Any], required: Mapping[str, Sequence[Any]], path: str
) -> None:
    """Raises UserError if a setting is given and is none of those that it may be."""
    for name, known in required.items():
        if settings.get(name, known[0]) not in known:
            raise UserError(
                f"Expected {name}={' or '.join(map(json.dumps, known))} in {path}, "
                f"received {json.dumps(settings[name])}, which this package does not "
                "have."
            )


def _check_settings(settings: dict[str, Any], path: str) -> None:
    _require(settings, _REQUIRED, f"{path}/{CONFIG_FILE}")
    activation = settings.get("hidden_act", "gelu")
    if activation not in tuple(_ACTIVATIONS):  # or what has no hash
        raise UserError(
            f"Expected hidden_act {' or '.join(_ACTIVATIONS)} in {path}/{CONFIG_FILE}, "
            f"received {activation!r}, which this package cannot compute; use another."
        )
    if settings.get("problem_type") == "multi_label_classification":
        logging.warning(
            "%s: the classes of multi_label_classification, of which a text may have "
            "several, are read as classes of which it has one.",
            path,
        )
    todo = f"mend {path}/{CONFIG_FILE}"
    heads = settings.get("architectures") or []
    require(isinstance(heads, list), "architectures", "a list of names", heads, todo)
    labels = settings.get("id2label") or {}
    is_numbered = isinstance(labels, dict) and all(map(str.isdecimal, labels))
    require(is_numbered, "id2label", "names by numbers", labels, todo)


def _read_tokenizer(path: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What tokenizer_config.json and tokenizer.json say of a tokenizer like BERT's.

    Raises:
        UserError: they tell of another one.
    """
    settings = read_json(os.path.join(path, _TOKENIZER_CONFIG_FILE)) or {}
    _require(settings, _REQUIRED_OF_TOKENIZER, f"{path}/{_TOKENIZER_CONFIG_FILE}")
    tokenizer = read_json(os.path.join(path, _TOKENIZER_FILE)) or {}
    with _known_layout(os.path.join(path, _TOKENIZER_FILE)):
        for part, required in _REQUIRED_OF_PARTS.items():
            found = tokenizer.get(part, {})
            found = {"type": None} if found is None else found  # which does nothing
            _require(found, required, f"the {part} of {path}/{_TOKENIZER_FILE}")
    return settings, tokenizer


def _tell_of_added(
    path: str, tokenizer: Mapping[str, Any], vocabulary: Vocabulary, *, lower_case: bool
) -> None:
    """Warns of tokens that transformers finds in a text and our tokenizer does not."""
    with _known_layout(os.path.join(path, _TOKENIZER_FILE)):
        added = [token["content"] for token in tokenizer.get("added_tokens", [])]
    added = [token for token in added if token not in SPECIAL_TOKENS]
    if not added:
        return
    ids = BertTokenizer(vocabulary, lower_case=lower_case).tokenize(added).to_list()
    split = [
        token
        for token, received in zip(added, ids, strict=True)
        if received != [vocabulary.ids.get(token)]
    ]
    if split:
        logging.warning(
            "%s: %d added tokens (%s) are not found in texts: this package splits at "
            "punctuation first, as BERT does. Their embeddings are not used.",
            path,
            len(split),
            ", ".join(split[:_SHOWN]) + (", ..." if split[_SHOWN:] else ""),
        )


def _check_tied(theirs: Weights, path: str) -> None:
    """Raises UserError for a masked language model with a matrix of its own."""
    for name, other in _TIED.items():
        if name in theirs and not np.array_equal(theirs[name], theirs.get(other)):
            raise UserError(
                f"Expected {name} to equal {other} in {path!r}, received other values "
                "(tie_word_embeddings=false), which this package does not have."
            )


def _labels(settings: dict[str, Any], weights: Weights, path: str) -> tuple[str, ...]:
    """The names of a classifier's outputs, if they have any.

    Raises:
        UserError: they are not as many, or not numbered from 0, or two are the same.
    """
    by_number = settings.get("id2label") or {}
    numbers = sorted(by_number, key=int)
    labels = tuple(str(by_number[number]) for number in numbers)
    for head in CLASSIFIERS:
        if by_number and f"{head}/bias" in weights:
            num_outputs = len(weights[f"{head}/bias"])
            is_complete = numbers == list(map(str, range(num_outputs)))
            require(
                is_complete and len(set(labels)) == num_outputs,
                "id2label",
                f"a name of its own for each of the classifier's {num_outputs} outputs, "
                "counted from 0",
                by_number,
                f"mend {path}/{CONFIG_FILE}",
            )
    return () if labels == _unnamed(len(labels)) else labels


def _label_settings(pretrained: Pretrained, heads: Sequence[str]) -> dict[str, Any]:
    """What tells how many outputs a classifier has, which are two if nothing does."""
    labels, settings = pretrained.labels, {}
    if not labels and heads in (["sequence_classifier"], ["token_classifier"]):
        labels = _unnamed(len(pretrained.weights[f"{heads[0]}/bias"]))
        if heads == ["sequence_classifier"] and len(labels) == 1:
            settings["problem_type"] = "regression"
    if labels:
        settings["id2label"] = {str(i): name for i, name in enumerate(labels)}
        settings["label2id"] = {name: i for i, name in enumerate(labels)}
    return settings


def _unnamed(num_outputs: int) -> tuple[str, ...]:
    """What transformers calls outputs without names."""
    return tuple(f"LABEL_{number}" for number in range(num_outputs))


def _with_full_names(theirs: Weights) -> Weights:
    """Under the names of a model with a head, and of PyTorch's LayerNorm.

    A BertModel leaves out the first part of its names, and the first releases called
    LayerNorm's weights as TensorFlow does.
    """
    prefix = "" if any(name.startswith(_PREFIX) for name in theirs) else _PREFIX
    return {
        (prefix + name)
        .replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias"): values
        for name, values in theirs.items()
    }


@contextlib.contextmanager
def _known_layout(path: str) -> Iterator[None]:
    """Raises UserError where a file has other types than transformers writes."""
    try:
        yield
    except UserError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"Expected {path} as transformers writes it, received another layout "
            f"({type(error).__name__}: {error}); copy the file again."
        ) from error


def _vocabulary_of(
    path: str, tokenizer: Mapping[str, Any], *, size: int
) -> Vocabulary | None:
    """The vocabulary for a model of `size` embeddings, as far as there is one.

    Tokens that were added to a model later are in tokenizer.json alone. Embeddings may
    be more, to a multiple of 8, for the sake of speed; their tokens get names here.
    """
    vocabulary = find_vocabulary(path)
    if vocabulary is None or len(vocabulary) != size:
        vocabulary = _vocabulary_of_tokenizer(path, tokenizer) or vocabulary
    if vocabulary is None:
        return None
    num_missing = size - len(vocabulary)
    if not 0 < num_missing < _MAX_PADDING or size % _PADDING:
        return vocabulary
    logging.warning(
        "%s: the last %d of %d embeddings have no token; they are called [unused...].",
        path,
        num_missing,
        size,
    )
    names = itertools.islice(_unused_names(vocabulary.ids), num_missing)
    return Vocabulary((*vocabulary.tokens, *names))


def _unused_names(ids: Container[str]) -> Iterator[str]:
    """Names for tokens that no text has, other than those in `ids`."""
    names = (f"[unused{number}]" for number in itertools.count())
    return (name for name in names if name not in ids)


def _vocabulary_of_tokenizer(
    path: str, tokenizer: Mapping[str, Any]
) -> Vocabulary | None:
    if not tokenizer:
        return None
    with _known_layout(os.path.join(path, _TOKENIZER_FILE)):
        ids = dict(tokenizer["model"]["vocab"])
        added = tokenizer.get("added_tokens", [])
        ids |= {token["content"]: token["id"] for token in added}
        tokens = sorted(ids, key=ids.get)
    if [ids[token] for token in tokens] != list(range(len(tokens))):
        raise UserError(
            f"Expected ids from 0 without a gap in {path}/{_TOKENIZER_FILE}, received "
            "others; put the model's vocab.txt beside it."
        )
    # Of a token that is white space, as the Chinese BERT's U+2028, "" is left.
    names = _unused_names(ids)
    return Vocabulary(tuple(token or next(names) for token in tokens))


def _lower_case(
    settings: Mapping[str, Any], normalizer: Mapping[str, Any], path: str
) -> bool | None:
    """What the tokenizer's files say of capitals and accents, if they do."""
    lower_case = settings.get("do_lower_case")
    strip_accents = settings.get("strip_accents")
    lower_case = normalizer.get("lowercase", lower_case)
    strip_accents = normalizer.get("strip_accents", strip_accents)
    if strip_accents not in (None, lower_case):
        raise UserError(
            f"Expected a tokenizer in {path} that strips accents if it lower-cases, as "
            f"BERT's does, received lower case {lower_case} with strip_accents="
            f"{strip_accents}, which this package does not have."
        )
    return lower_case


def _read_weights(path: str) -> dict[str, np.ndarray]:
    import safetensors

    index = read_json(os.path.join(path, INDEX_FILE))
    with _known_layout(os.path.join(path, INDEX_FILE)):
        files = sorted(set(index["weight_map"].values())) if index else [WEIGHTS_FILE]
    weights = {}
    for name in files:
        file_path = os.path.join(path, name)
        try:
            with tf.io.gfile.GFile(file_path, "rb") as file:
                tensors = safetensors.deserialize(file.read())
        except tf.errors.OpError as error:
            raise UserError(
                f"Expected {name} in {path!r}, which cannot be read "
                f"({type(error).__name__}); a model in pytorch_model.bin is written as "
                "safetensors by save_pretrained of transformers."
            ) from error
        except safetensors.SafetensorError as error:
            raise UserError(
                f"Expected a file of safetensors, received {file_path!r} ({error}); copy "
                "it again."
            ) from error
        weights |= {tensor: _to_array(content) for tensor, content in tensors}
    return weights


def _to_array(content: dict[str, Any]) -> np.ndarray:
    dtype = _DTYPES.get(content["dtype"], np.uint8)  # no weights, then
    values = np.frombuffer(content["data"], dtype)
    return values.reshape(content["shape"]) if content["dtype"] in _DTYPES else values


def _write_weights(weights: Weights, path: str) -> None:
    from safetensors.numpy import save_file

    with tempfile.TemporaryDirectory() as folder:
        # transformers wants to be told whose tensors they are.
        local = os.path.join(folder, WEIGHTS_FILE)
        save_file(dict(weights), local, metadata={"format": "pt"})
        with open(local, "rb") as file:
            write_atomically(path, file.read())


def _write_json(folder: str, name: str, content: dict[str, Any]) -> None:
    path = os.path.join(folder, name)
    write_atomically(path, f"{json.dumps(content, indent=2, sort_keys=True)}\n".encode())
