"""Where each weight of Hugging Face's BertForPreTraining goes in BertPretrainer."""

import re

TABLE = (
    (r"bert.embeddings.(\w+_embeddings).weight", r"bert/embeddings/\1"),
    (r"bert.embeddings.LayerNorm", r"bert/embeddings/layer_norm"),
    (
        r"bert.encoder.layer.(\d+).attention.self.(query|key|value)",
        r"bert/layer_\1/attention/\2",
    ),
    (
        r"bert.encoder.layer.(\d+).attention.output.dense",
        r"bert/layer_\1/attention_output",
    ),
    (
        r"bert.encoder.layer.(\d+).attention.output.LayerNorm",
        r"bert/layer_\1/attention_layer_norm",
    ),
    (r"bert.encoder.layer.(\d+).intermediate.dense", r"bert/layer_\1/intermediate"),
    (r"bert.encoder.layer.(\d+).output.dense", r"bert/layer_\1/output"),
    (r"bert.encoder.layer.(\d+).output.LayerNorm", r"bert/layer_\1/output_layer_norm"),
    (r"bert.pooler.dense", r"bert/pooler"),
    (r"cls.predictions.bias", r"masked_lm/output_bias"),
    (r"cls.predictions.transform.dense", r"masked_lm/transform"),
    (r"cls.predictions.transform.LayerNorm", r"masked_lm/transform_layer_norm"),
    (r"cls.seq_relationship", r"next_sentence/classifier"),
)


def load(model, weights):
    """Assigns `weights`, a dict of arrays by Hugging Face's names, to `model`."""
    prefix = f"{model.name}/"
    variables = {v.path.removeprefix(prefix): v for v in model.variables}
    for name, value in weights.items():
        path, transposed = _translate(name)
        variables.pop(path).assign(value.T if transposed else value)
    if variables:
        raise ValueError(f"No weights for {sorted(variables)}.")


def _translate(name):
    for pattern, replacement in TABLE:
        path, count = re.subn("^" + pattern.replace(".", r"\."), replacement, name)
        if count:
            break
    layer_norm = path.replace("layer_norm.weight", "layer_norm/gamma")
    path = layer_norm.replace("layer_norm.bias", "layer_norm/beta")
    path = path.replace(".weight", "/kernel").replace(".bias", "/bias")
    return path, path.endswith("/kernel")
