r"""Makes the checkpoints beside this file with Model Garden's own encoders.

    make build/bench-training/model_garden/.installed
    build/bench-training/model_garden/bin/python \
        tests/golden/model_garden_tiny_bert/make.py
"""

import json
import pathlib

import numpy as np
import tensorflow as tf
from official.nlp.modeling import models, networks

FOLDER = pathlib.Path(__file__).parent
CONFIG = {
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 8,
    "initializer_range": 0.02,
    "intermediate_size": 12,
    "max_position_embeddings": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "type_vocab_size": 2,
    "vocab_size": 30,
}


def main():
    tf.keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    mask = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]], "int32")
    inputs = {
        "input_word_ids": rng.integers(5, 30, mask.shape).astype("int32") * mask,
        "input_mask": mask,
        "input_type_ids": np.array([[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0]], "int32"),
    }
    for kind in ("numbered", "encoder", "heads", "pretrainer"):
        is_numbered = kind == "numbered"
        network = networks.BertEncoder if is_numbered else networks.BertEncoderV2
        encoder = network(
            vocab_size=30,
            hidden_size=8,
            num_layers=2,
            num_attention_heads=2,
            max_sequence_length=16,
            type_vocab_size=2,
            inner_dim=12,
            **({"dict_outputs": True} if is_numbered else {}),
        )
        encoder(inputs)
        for variable in encoder.variables:  # zeros and ones would hide mistakes
            variable.assign(rng.normal(size=variable.shape, scale=0.5))
        outputs = encoder(inputs)
        saved = {"model" if is_numbered else "encoder": encoder}
        if kind in ("heads", "pretrainer"):
            pretrainer = models.BertPretrainerV2(encoder_network=encoder)
            pretrainer(inputs | {"masked_lm_positions": np.array([[1], [2]])})
            is_whole = kind == "pretrainer"
            saved = {"model": pretrainer} if is_whole else pretrainer.checkpoint_items
        folder = FOLDER / kind
        tf.train.Checkpoint(**saved).write(str(folder / "bert_model.ckpt"))
        (folder / "bert_config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
        np.savez(
            folder / "expected.npz",
            sequence_output=outputs["sequence_output"],
            pooled_output=outputs["pooled_output"],
            **inputs,
        )


if __name__ == "__main__":
    main()
