r"""Writes what a BERT's layers hold for each token of each text, and for each text.

    python -m bert_tf.extract_features --init_checkpoint=runs/mine --input=lines.txt \
        --output=features.jsonl --layers=-1,-2

A line is a text, or a pair of texts with ||| between them. By the ending of --output:

.jsonl  a line for each text, as the original extract_features.py writes it, and with
        the text's own features:
        {"linex_index": 0, "features": [{"token": "[CLS]", "layers": [{"index": -1,
        "values": [...]}, ...]}, ...], "text_features": [{"index": -1, "values": ...}]}
.npz    `tokens`, string [N] of all texts together; `row_splits`, int64 [B + 1], where
        the tokens of each text begin; `layers`, int64 [L]; `token_features`, float32
        [N, L, H]; and `text_features`, float32 [B, L, H].

A text's features are the mean over its tokens, [CLS] and [SEP] included.
"""

import os

from absl import flags

from bert_tf import cli
from bert_tf.config import FeatureConfig
from bert_tf.errors import UserError

_INIT_CHECKPOINT = flags.DEFINE_string(
    "init_checkpoint", None, "Any BERT that bert_tf.convert reads."
)
_INPUT = flags.DEFINE_string("input", None, "File with a text a line.")
_OUTPUT = flags.DEFINE_string("output", None, "File to write: .jsonl or .npz.")
_LAYERS = flags.DEFINE_string(
    "layers",
    None,
    "0 the embeddings, -1 the last layer, such as -1,-2; the last four by default, or as "
    "many as there are.",
)
_MAX_SEQ_LENGTH = flags.DEFINE_integer(
    "max_seq_length",
    None,
    "Tokens after which a text is cut off; as long as the model allows by default.",
    lower_bound=3,
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Texts together.", lower_bound=1)
_ALLOW_MISSING = flags.DEFINE_list("allow_missing", [], "See bert_tf.convert.")
_DO_LOWER_CASE = flags.DEFINE_bool("do_lower_case", None, "See bert_tf.convert.")
flags.mark_flags_as_required(["init_checkpoint", "input", "output"])


def main(argv):
    """Writes the features."""
    del argv
    ending = os.path.splitext(_OUTPUT.value)[1]
    if ending not in (".jsonl", ".npz"):
        raise UserError(
            f"--output: expected a name that ends in .jsonl or .npz, received "
            f"{_OUTPUT.value!r}; choose one of the two."
        )
    layers = () if _LAYERS.value is None else cli.layer_numbers(_LAYERS.value.split(","))
    features = FeatureConfig(frozen=True, layers=layers, pooling="mean")
    cli.import_tensorflow()
    from bert_tf.data.task_files.opening import read_lines
    from bert_tf.files import check_folder_of, write_atomically
    from bert_tf.modeling.checkpoints.formats import read_pretrained
    from bert_tf.modeling.features import FeatureExtractor, to_jsonl, to_npz

    check_folder_of(_OUTPUT.value)
    lines = [line for _, line in read_lines(_INPUT.value)]
    if not lines:
        raise UserError(
            f"--input: expected a text a line, received none in {_INPUT.value!r}; give a "
            "file with texts."
        )
    pretrained = read_pretrained(
        _INIT_CHECKPOINT.value,
        do_lower_case=_DO_LOWER_CASE.value,
        allow_missing=_ALLOW_MISSING.value,
    )
    layers = features.resolved(pretrained.config).layers
    extractor = FeatureExtractor(
        pretrained, layers=layers, max_seq_length=_MAX_SEQ_LENGTH.value
    )
    texts = extractor.extract(lines, batch_size=_BATCH_SIZE.value)
    write = {".jsonl": to_jsonl, ".npz": to_npz}[ending]
    write_atomically(_OUTPUT.value, write(texts, layers))


if __name__ == "__main__":
    cli.run(main)
