"""How every command-line program here starts, and how it tells a user's mistake."""

import os
import sys
from collections.abc import Callable, Sequence

from absl import app, logging

from bert_tf.errors import UserError

USER_ERROR_EXIT_CODE = 2


def run(
    main: Callable[[Sequence[str]], None],
    flags_parser: Callable[[Sequence[str]], Sequence[str]] | None = None,
) -> None:
    """Runs `main` as an absl program with quiet logs and one-line user errors.

    Args:
        main: called with the program's name and the arguments that no flag took.
        flags_parser: parses `sys.argv` and returns what is left of it, for programs
            that hand the rest on (Beam's pipeline options). Without it, an argument
            that is no flag is an error.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow reads it on import

    def guarded_main(argv: Sequence[str]) -> None:
        logging.set_verbosity(logging.INFO)
        try:
            if flags_parser is None and argv[1:]:
                raise UserError(
                    f"Expected flags only, received the argument {argv[1]!r}; "
                    "write flags as --name=value (see --help)."
                )
            main(argv)
        except UserError as error:
            sys.stdout.flush()
            print(f"error: {error}", file=sys.stderr)
            sys.exit(USER_ERROR_EXIT_CODE)

    app.run(guarded_main, flags_parser=flags_parser)
