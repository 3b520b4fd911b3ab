r"""Serves an export on this machine: REST as TF Serving's, and a page to try it.

    python -m bert_tf.serving.local --model_dir=exports/base

A stand-in for development where there is no TF Serving. It takes the newest numbered
version in the folder, and the next one as soon as that is there.
"""

import os

from absl import flags

from bert_tf import cli
from bert_tf.errors import UserError

_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder of the numbered versions: --export_dir of bert_tf.export."
)
_MODEL_NAME = flags.DEFINE_string(
    "model_name", None, "Name in the URLs; that of the folder by default."
)
_HOST = flags.DEFINE_string("host", "127.0.0.1", "Address to listen at.")
_PORT = flags.DEFINE_integer(
    "port", 8501, "Port of REST and the page; 0 for any.", lower_bound=0
)
_GRPC_PORT = flags.DEFINE_integer(
    "grpc_port", None, "Port of gRPC Predict, 0 for any; none by default.", lower_bound=0
)
_ENABLE_CORS = flags.DEFINE_bool("enable_cors", False, "Let pages from elsewhere ask.")
flags.mark_flags_as_required(["model_dir"])


def main(argv):
    """Serves until it is stopped."""
    del argv
    model_name = _MODEL_NAME.value or os.path.basename(os.path.abspath(_MODEL_DIR.value))
    if set(model_name) & set("/:%?#"):
        raise UserError(
            f"--model_name: expected a name for URLs, received {model_name!r}; give one "
            "without / : % ? #."
        )
    cli.import_tensorflow()
    try:
        from bert_tf.serving.local.server import serve
    except ModuleNotFoundError as error:
        raise UserError(
            f"Expected the packages of the server, received none named {error.name}; "
            "install them: pip install --constraint constraints.txt '.[serving]'."
        ) from error

    serve(
        _MODEL_DIR.value,
        model_name=model_name,
        host=_HOST.value,
        port=_PORT.value,
        grpc_port=_GRPC_PORT.value,
        enable_cors=_ENABLE_CORS.value,
    )


if __name__ == "__main__":
    cli.run(main)
