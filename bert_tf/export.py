r"""Exports a run's model as a SavedModel that answers raw text in TF Serving.

    python -m bert_tf.export --workdir=runs/base --export_dir=exports/base

Each call adds a version: exports/base/1, exports/base/2 and so on. The signatures are
fill_mask (the default), embed and encode.
"""

from absl import flags

from bert_tf import cli

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a run of bert_tf.pretrain.")
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir", None, "Folder of the versions, the one TF Serving is given."
)
_MAX_SEQ_LENGTH = flags.DEFINE_integer(
    "max_seq_length",
    None,
    "Tokens after which a text is cut off; as long as the model allows by default.",
)
_TOP_K = flags.DEFINE_integer("top_k", 5, "Answers for each [MASK].")
flags.mark_flags_as_required(["workdir", "export_dir"])


def main(argv):
    """Exports and prints the path of the new version."""
    del argv
    cli.import_tensorflow()
    from bert_tf.serving.export_lib import export

    print(
        export(
            _WORKDIR.value,
            _EXPORT_DIR.value,
            max_seq_length=_MAX_SEQ_LENGTH.value,
            top_k=_TOP_K.value,
        )
    )


if __name__ == "__main__":
    cli.run(main)
