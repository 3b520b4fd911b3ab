r"""Exports a run's model as a SavedModel that answers raw text in TF Serving.

    python -m bert_tf.export --workdir=runs/base --export_dir=exports/base

Each call adds a version: exports/base/1, exports/base/2 and so on. What each signature
takes and gives is in the version's model_card.md.
"""

from absl import flags

from bert_tf import cli
from bert_tf.config import parse_sampling

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of a run of bert_tf.pretrain or bert_tf.finetune."
)
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir", None, "Folder of the versions, the one TF Serving is given."
)
_DTYPE = flags.DEFINE_enum(
    "dtype",
    None,
    ["float32", "bfloat16"],
    "What the graph computes in; as in training by default. bfloat16 is half as large, "
    "and pays on CPUs with AVX-512 BF16 or AMX.",
)
_MAX_SEQ_LENGTH = flags.DEFINE_integer(
    "max_seq_length",
    None,
    "Tokens the model sees at once; by default the task's, or of a pretrained model all "
    "that it can.",
)
_TOP_K = flags.DEFINE_integer("top_k", None, "Words for each [MASK]; 5 by default.")
_SAMPLING = flags.DEFINE_string("sampling", None, "See bert_tf.evaluate.")
_VERIFY = flags.DEFINE_bool(
    "verify",
    False,
    "Prove that the export answers alike in any batch, to odd texts and in TensorFlow's "
    "C++ runtime, replays its warmup and has nothing that a server lacks; takes minutes "
    "for a large model, and a C compiler.",
)
flags.mark_flags_as_required(["workdir", "export_dir"])


def main(argv):
    """Exports and prints the path of the new version."""
    del argv
    sampling = parse_sampling(_SAMPLING.value)
    cli.import_tensorflow()
    from bert_tf.serving.export_lib import export

    print(
        export(
            _WORKDIR.value,
            _EXPORT_DIR.value,
            dtype=_DTYPE.value,
            max_seq_length=_MAX_SEQ_LENGTH.value,
            top_k=_TOP_K.value,
            sampling=sampling,
            verify=_VERIFY.value,
        )
    )


if __name__ == "__main__":
    cli.run(main)
