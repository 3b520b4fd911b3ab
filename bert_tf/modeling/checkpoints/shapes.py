"""The variables of a BERT and of its heads, by the paths they have everywhere here.

A model's own name, with which Keras begins its variables' paths, is left out. {} stands
for the number of a layer.
"""

from collections.abc import Callable, Container

from bert_tf.config import BertConfig
from bert_tf.errors import UserError

Shape = tuple[int | None, ...]

# A letter a dimension: V vocabulary, P positions, T types, H hidden and F feed-forward
# units, 2 what it says, * any number.
_ENCODER = {
    "bert/embeddings/word_embeddings": "VH",
    "bert/embeddings/position_embeddings": "PH",
    "bert/embeddings/token_type_embeddings": "TH",
    "bert/embeddings/layer_norm/gamma": "H",
    "bert/embeddings/layer_norm/beta": "H",
    "bert/layer_{}/attention/query/kernel": "HH",
    "bert/layer_{}/attention/query/bias": "H",
    "bert/layer_{}/attention/key/kernel": "HH",
    "bert/layer_{}/attention/key/bias": "H",
    "bert/layer_{}/attention/value/kernel": "HH",
    "bert/layer_{}/attention/value/bias": "H",
    "bert/layer_{}/attention_output/kernel": "HH",
    "bert/layer_{}/attention_output/bias": "H",
    "bert/layer_{}/attention_layer_norm/gamma": "H",
    "bert/layer_{}/attention_layer_norm/beta": "H",
    "bert/layer_{}/intermediate/kernel": "HF",
    "bert/layer_{}/intermediate/bias": "F",
    "bert/layer_{}/output/kernel": "FH",
    "bert/layer_{}/output/bias": "H",
    "bert/layer_{}/output_layer_norm/gamma": "H",
    "bert/layer_{}/output_layer_norm/beta": "H",
    "bert/pooler/kernel": "HH",
    "bert/pooler/bias": "H",
}
_PRE_LAYER_NORM = {
    "bert/final_layer_norm/gamma": "H",
    "bert/final_layer_norm/beta": "H",
}
_HEADS = {
    "masked_lm": {
        "masked_lm/transform/kernel": "HH",
        "masked_lm/transform/bias": "H",
        "masked_lm/transform_layer_norm/gamma": "H",
        "masked_lm/transform_layer_norm/beta": "H",
        "masked_lm/output_bias": "V",
    },
    "next_sentence": {
        "next_sentence/classifier/kernel": "H2",
        "next_sentence/classifier/bias": "2",
    },
    # Of features that may be several layers' beside each other.
    "sequence_classifier": {
        "sequence_classifier/kernel": "**",
        "sequence_classifier/bias": "*",
    },
    "token_classifier": {"token_classifier/kernel": "**", "token_classifier/bias": "*"},
    "answer_span": {"answer_span/kernel": "*2", "answer_span/bias": "2"},
    "choice_scorer": {"choice_scorer/kernel": "*1", "choice_scorer/bias": "1"},
}
HEADS = tuple(_HEADS)
# Those whose outputs are classes.
CLASSIFIERS = ("sequence_classifier", "token_classifier")
# What sees what FeatureConfig chooses.
_ON_FEATURES = (*CLASSIFIERS, "answer_span", "choice_scorer", "decoder")


def encoder_shapes(config: BertConfig) -> dict[str, Shape]:
    """The shapes of a BertEncoder's variables by their paths."""
    table = _ENCODER | (_PRE_LAYER_NORM if config.layer_norm == "pre" else {})
    shapes = {}
    for path, letters in table.items():
        shape = _shape(letters, config)
        numbers = range(config.num_hidden_layers) if "{}" in path else [""]
        shapes |= {path.format(number): shape for number in numbers}
    return shapes


def check_num_layers(
    names: Container[str], name_of: Callable[[str], str | None], config: BertConfig
) -> None:
    """Raises UserError for a checkpoint with more layers than a BertEncoder.

    Args:
        names: of the checkpoint's weights.
        name_of: from one of our paths to its name there.
        config: of the encoder.
    """
    num_layers = config.num_hidden_layers
    beyond = name_of(f"bert/layer_{num_layers}/output/kernel")
    if beyond in names:
        raise UserError(
            f"Expected a checkpoint of num_hidden_layers={num_layers}, received one that "
            f"has {beyond!r} too; the configuration is another model's."
        )


def head_shapes(head: str, config: BertConfig) -> dict[str, Shape]:
    """The shapes of a head's variables by their paths.

    Args:
        head: one of HEADS.
        config: of the encoder.

    Returns:
        Shapes; None stands for any number.
    """
    return {path: _shape(letters, config) for path, letters in _HEADS[head].items()}


def head_of(path: str) -> str | None:
    """The head a variable belongs to; None for the encoder's and for others."""
    name = path.partition("/")[0]
    return name if name in HEADS else None


def sees_features(path: str) -> bool:
    """Whether a variable belongs to what learns from the layers of a FeatureConfig."""
    return path.partition("/")[0] in _ON_FEATURES


def _shape(letters: str, config: BertConfig) -> Shape:
    sizes = {
        "V": config.vocab_size,
        "P": config.max_position_embeddings,
        "T": config.type_vocab_size,
        "H": config.hidden_size,
        "F": config.intermediate_size,
        "1": 1,
        "2": 2,
        "*": None,
    }
    return tuple(sizes[letter] for letter in letters)
