"""Where the weights of other libraries' BERT belong in ours: a table for each library.

Left are paths of variables in BertPretrainer, without its own name; right are the names
that the other library has. {} is the number of a layer. Shapes need no table: where a
library keeps the heads apart, its numbers are in the order of our matrix all the same.
"""

import dataclasses
import re
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True)
class WeightNames:
    """The names of one library."""

    variables: Mapping[str, str]  # whole names
    layers: Mapping[str, str]  # names without their last part
    last_parts: Mapping[str, str]  # with the sign before them
    has_kernels_transposed: bool = False  # [outputs, inputs], as PyTorch has them

    def name_of(self, path: str) -> str:
        """The other library's name for one of our variables; KeyError without one."""
        number = re.search(r"\blayer_(\d+)/", path)
        path = re.sub(r"\blayer_\d+/", "layer_{}/", path)
        if path in self.variables:
            return self.variables[path]
        layer, _, last_part = path.rpartition("/")
        return f"{self.layers[layer]}{self.last_parts[last_part]}".format(
            *(number.groups() if number else ())
        )


# BertForPreTraining; BertForMaskedLM has neither the pooler nor the last layer.
HUGGING_FACE = WeightNames(
    variables={
        f"bert/embeddings/{name}_embeddings": f"bert.embeddings.{name}_embeddings.weight"
        for name in ("word", "position", "token_type")
    }
    | {"masked_lm/output_bias": "cls.predictions.bias"},
    layers={
        "bert/embeddings/layer_norm": "bert.embeddings.LayerNorm",
        **{
            f"bert/layer_{{}}/attention/{name}": (
                f"bert.encoder.layer.{{}}.attention.self.{name}"
            )
            for name in ("query", "key", "value")
        },
        "bert/layer_{}/attention_output": "bert.encoder.layer.{}.attention.output.dense",
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
    },
    last_parts={
        "kernel": ".weight",
        "bias": ".bias",
        "gamma": ".weight",
        "beta": ".bias",
    },
    has_kernels_transposed=True,
)

# BertMaskedLM: BertBackbone and MaskedLMHead.
KERAS_HUB = WeightNames(
    variables={
        "bert/embeddings/word_embeddings": "token_embedding/embeddings",
        "bert/embeddings/position_embeddings": "position_embedding/embeddings",
        "bert/embeddings/token_type_embeddings": "segment_embedding/embeddings",
        "masked_lm/output_bias": "mlm_head/output_bias",
    },
    layers={
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
        "masked_lm/transform": "mlm_head/intermediate_dense",
        "masked_lm/transform_layer_norm": "mlm_head/intermediate_layer_norm",
    },
    last_parts={part: f"/{part}" for part in ("kernel", "bias", "gamma", "beta")},
)


def arrange(
    weights: Mapping[str, np.ndarray],
    names: WeightNames | None,
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, np.ndarray]:
    """Finds and reshapes what our variables are to hold.

    Args:
        weights: by the library's names.
        names: of the library; None for ours.
        shapes: of our variables, by their paths.

    Returns:
        Arrays by our paths, one for each of `shapes`.

    Raises:
        ValueError: some are missing, or have another number of values.
    """
    arrays = {}
    for path, shape in shapes.items():
        name = names.name_of(path) if names else path
        if name not in weights or weights[name].size != np.prod(shape):
            found = weights[name].shape if name in weights else "none"
            raise ValueError(
                f"Expected weights of the shape {shape} for {path}, received {found} "
                f"under {name!r}; the model is another."
            )
        values = weights[name]
        if names and names.has_kernels_transposed and path.endswith("/kernel"):
            values = values.T
        arrays[path] = values.reshape(shape)
    return arrays
