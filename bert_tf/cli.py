"""How every command-line program here starts, and how it tells a user's mistake."""

import atexit
import logging as python_logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from bert_tf.errors import UserError

# Packages that tell their inner workings at the level our progress has.
CHATTY = ("tensorflow", "keras", "apache_beam", "botocore")
_INTERRUPTED = 128 + signal.SIGINT  # as shells tell it
_USER_ERROR = f"{UserError.__module__}.{UserError.__name__}: "  # in a traceback


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
    # TensorFlow reads it on import. What it logs as errors is none of the user's, such as
    # a type that a library has no kernel for; what is one is raised.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    def guarded_main(argv: Sequence[str]) -> None:
        _set_up_logging()
        try:
            main(argv)
            sys.stdout.flush()
        except UserError as error:
            _exit(error, error.exit_code)
        except KeyboardInterrupt:
            _exit("interrupted.", _INTERRUPTED)
        except BrokenPipeError:  # who reads the output, such as head, has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def guarded_parser(argv: Sequence[str]) -> Sequence[str]:
        app.define_help_flags()
        try:
            return (flags_parser or _parse_all_flags)(argv)
        # ml_collections raises KeyError for a field that a configuration lacks, OSError
        # for a file that is not there, and gives what else goes wrong as a traceback.
        except (flags.Error, KeyError, OSError, UserError) as error:
            message = str(error.args[-1] if error.args else error).strip()
            if "Traceback (most recent call last)" in message:
                message = message.splitlines()[-1].removeprefix(_USER_ERROR)
            _exit(message)

    app.run(guarded_main, flags_parser=guarded_parser)


def import_tensorflow() -> None:
    """Imports TensorFlow without its lines about GPUs and CPU features.

    They come from C++ before any log level is read, so the process's standard error is
    set aside meanwhile. It is shown if the import fails.
    """
    sys.stderr.flush()
    own_stderr = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()  # looks for GPUs, and says so
        except BaseException:
            said.seek(0)
            os.write(own_stderr, said.read())
            raise
        finally:
            os.dup2(own_stderr, 2)
            os.close(own_stderr)


def named_columns(values: Sequence[str]) -> dict[str, str]:
    """The columns of a table by what they hold, from a flag --columns.

    Raises:
        UserError: one is not NAME=COLUMN.
    """
    columns = dict(value.partition("=")[::2] for value in values)
    if not all(columns) or not all(columns.values()):
        raise UserError(
            f"--columns: expected NAME=COLUMN, received {','.join(values)!r}."
        )
    return columns


def layer_numbers(values: Sequence[str]) -> tuple[int, ...]:
    """The layers of an encoder, from a flag --layers.

    Raises:
        UserError: one is no whole number.
    """
    try:
        return tuple(map(int, values))
    except ValueError as error:
        raise UserError(
            f"--layers: expected numbers such as -1,-2, received {','.join(values)!r}; "
            "give some or leave it out."
        ) from error


def _set_up_logging() -> None:
    """A time and a message a line, ours and nobody else's below a warning."""
    logging.set_verbosity(logging.INFO)
    handler = logging.get_absl_handler()
    handler.setFormatter(python_logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    handler.addFilter(_is_worth_showing)


def _is_worth_showing(record: python_logging.LogRecord) -> bool:
    is_foreign = any(f"{os.sep}{name}{os.sep}" in record.pathname for name in CHATTY)
    return record.levelno >= python_logging.WARNING or not is_foreign


def _parse_all_flags(argv: Sequence[str]) -> Sequence[str]:
    rest = flags.FLAGS(argv)
    if rest[1:]:
        raise UserError(
            f"Expected flags only, received the argument {rest[1]!r}; "
            "write flags as --name=value (see --help)."
        )
    return rest


def _exit(message: object, exit_code: int = UserError.exit_code) -> None:
    sys.stdout.flush()
    print(f"error: {' '.join(str(message).split())}", file=sys.stderr, flush=True)
    # Not sys.exit: threads of Beam's would wait forever for a worker that is dead. What
    # Beam has registered for the end stops the servers of engines.
    atexit._run_exitfuncs()
    os._exit(exit_code)
