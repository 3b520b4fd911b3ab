"""KerasHub's presets of a BertBackbone: the encoder without heads, and its tokenizer."""

from bert_tf.config import BertConfig
from bert_tf.data.vocab import Vocabulary
from bert_tf.errors import UserError
from bert_tf.files import make_folder
from bert_tf.modeling.checkpoints.coverage import Coverage
from bert_tf.modeling.checkpoints.pretrained import (
    ORIGINAL,
    Pretrained,
    require_original,
)
from bert_tf.modeling.checkpoints.weight_names import WeightNames, to_ours, to_theirs

NAMES = WeightNames(
    variables={
        "bert/embeddings/word_embeddings": "token_embedding/embeddings",
        "bert/embeddings/position_embeddings": "position_embedding/embeddings",
        "bert/embeddings/token_type_embeddings": "segment_embedding/embeddings",
    },
    modules={
        "bert/embeddings/layer_norm": "embeddings_layer_norm",
        **{
            f"bert/layer_{{}}/attention/{name}": (
                f"transformer_layer_{{}}/self_attention_layer/{name}"
            )
            for name in ("query", "key", "value")
        },
        "bert/layer_{}/attention_output": (
            "transformer_layer_{}/self_attention_layer/attention_output"
        ),
        "bert/layer_{}/attention_layer_norm": (
            "transformer_layer_{}/self_attention_layer_norm"
        ),
        "bert/layer_{}/intermediate": (
            "transformer_layer_{}/feedforward_intermediate_dense"
        ),
        "bert/layer_{}/output": "transformer_layer_{}/feedforward_output_dense",
        "bert/layer_{}/output_layer_norm": "transformer_layer_{}/feedforward_layer_norm",
        "bert/pooler": "pooled_dense",
    },
    last_parts={part: f"/{part}" for part in ("kernel", "bias", "gamma", "beta")},
)


def read(preset: str, *, do_lower_case: bool | None = None) -> Pretrained:
    """Reads a preset.

    Args:
        preset: a folder that `save_to_preset` wrote, or a name that `from_preset` knows,
            such as bert_tiny_en_uncased, which it downloads.
        do_lower_case: None for what the preset's tokenizer does.

    Raises:
        UserError: there is no such preset, or none of a BertBackbone.
    """
    from keras_hub.models import BertBackbone, BertTokenizer

    try:
        backbone = BertBackbone.from_preset(preset, dtype="float32")
        tokenizer = BertTokenizer.from_preset(preset)
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise UserError(
            "Expected the folder of a BERT, or the name of a preset of KerasHub's "
            f"BertBackbone with its tokenizer, received {preset!r} "
            f"({str(error).splitlines()[0].rstrip(':')}); check the name or the folder."
        ) from error
    config = BertConfig(
        vocab_size=backbone.vocabulary_size,
        hidden_size=backbone.hidden_dim,
        num_hidden_layers=backbone.num_layers,
        num_attention_heads=backbone.num_heads,
        intermediate_size=backbone.intermediate_dim,
        max_position_embeddings=backbone.max_sequence_length,
        type_vocab_size=backbone.num_segments,
        hidden_dropout_prob=backbone.dropout,
        attention_probs_dropout_prob=backbone.dropout,
        do_lower_case=tokenizer.lowercase if do_lower_case is None else do_lower_case,
        **ORIGINAL,
    )
    theirs = {variable.path: variable.numpy() for variable in backbone.weights}
    weights, coverage = to_ours(theirs, NAMES, config)
    vocabulary = Vocabulary(tuple(tokenizer.get_vocabulary()))
    return Pretrained(config, weights, vocabulary, coverage)


def write(pretrained: Pretrained, folder: str) -> Coverage:
    """Writes a preset.

    Args:
        pretrained: with a vocabulary, and what a BertBackbone can compute; its heads are
            left out. A preset has one dropout, which becomes that of hidden units, and
            no initializer_range.
        folder: made if need be.

    Returns:
        What became of each weight.

    Raises:
        UserError: a BertBackbone is not what the model is, or the folder cannot be
            written.
    """
    from keras_hub.models import BertBackbone, BertTokenizer

    config = pretrained.config
    require_original(config, "KerasHub's BertBackbone")
    if pretrained.vocabulary is None:
        raise UserError(
            "Expected a vocabulary for a preset's tokenizer, received none; put the "
            "model's vocab.txt into its folder."
        )
    backbone = BertBackbone(
        vocabulary_size=config.vocab_size,
        num_layers=config.num_hidden_layers,
        num_heads=config.num_attention_heads,
        hidden_dim=config.hidden_size,
        intermediate_dim=config.intermediate_size,
        dropout=config.hidden_dropout_prob,
        max_sequence_length=config.max_position_embeddings,
        num_segments=config.type_vocab_size,
        dtype="float32",
    )
    theirs, coverage = to_theirs(pretrained.weights, NAMES, config)
    for variable in backbone.weights:
        if variable.path not in theirs:
            raise UserError(
                f"Expected weights for a BertBackbone's {variable.path}, received none; "
                "write another format."
            )
        variable.assign(theirs[variable.path].reshape(variable.shape))
    tokenizer = BertTokenizer(
        list(pretrained.vocabulary.tokens),
        lowercase=config.do_lower_case,
        strip_accents=config.do_lower_case,  # as BERT's own, unlike KerasHub's default
    )
    make_folder(folder)
    backbone.save_to_preset(folder)
    tokenizer.save_to_preset(folder)
    return coverage
