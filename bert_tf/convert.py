r"""Converts a BERT between the formats of its libraries, heads included.

    python -m bert_tf.convert --input=uncased_L-12_H-768_A-12 \
        --output=bert-base --format=hugging_face

--input is a folder of Google's (TensorFlow 1 or 2), of Hugging Face's, of KerasHub's or
of a run of bert_tf, told apart by what is in it. What becomes of each weight is printed.
"""

import dataclasses

from absl import flags

from bert_tf import cli
from bert_tf.config import ACTIVATIONS

FORMATS = ("google", "hugging_face", "keras_hub")

_INPUT = flags.DEFINE_string(
    "input", None, "Folder of a BERT, prefix of a checkpoint, or name of a preset."
)
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write; must not exist.")
_FORMAT = flags.DEFINE_enum("format", None, FORMATS, "Whose programs are to read it.")
_DO_LOWER_CASE = flags.DEFINE_bool(
    "do_lower_case",
    None,
    "Whether text is lower-cased; by default what the input's files tell.",
)
_HIDDEN_ACT = flags.DEFINE_enum(
    "hidden_act",
    None,
    ACTIVATIONS,
    "In place of the input's: gelu_new for formats without gelu; they differ by 0.0005 "
    "at the most in an activation.",
)
_ALLOW_MISSING = flags.DEFINE_list(
    "allow_missing",
    [],
    "Beginnings of our names of weights that the input need not have: bert/pooler.",
)
flags.mark_flags_as_required(["input", "output", "format"])


def main(argv):
    """Converts, and prints what became of each weight."""
    del argv
    cli.import_tensorflow()
    from bert_tf.modeling.checkpoints.formats import read_pretrained, write_pretrained

    pretrained = read_pretrained(
        _INPUT.value,
        do_lower_case=_DO_LOWER_CASE.value,
        allow_missing=_ALLOW_MISSING.value,
    )
    if _HIDDEN_ACT.value:
        config = dataclasses.replace(pretrained.config, hidden_act=_HIDDEN_ACT.value)
        pretrained = dataclasses.replace(pretrained, config=config)
    coverage = write_pretrained(pretrained, _OUTPUT.value, format=_FORMAT.value)
    print(f"wrote {_OUTPUT.value}\n{coverage.format()}")


if __name__ == "__main__":
    cli.run(main)
