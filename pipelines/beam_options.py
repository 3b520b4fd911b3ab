"""Beam's own flags, beside those of our programs on one command line."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from bert_tf.errors import UserError

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

# Named because Beam's default runner tries to download another one from the network.
DEFAULT_RUNNER = "FnApiRunner"
LOCAL_RUNNERS = ("FnApiRunner", "DirectRunner", "PrismRunner")


def parse_known_flags(argv: Sequence[str]) -> list[str]:
    """Parses the program's own flags; for `flags_parser` of `bert_tf.cli.run`.

    Args:
        argv: the program's name and all its arguments.

    Returns:
        The program's name and the arguments it does not know, for `pipeline_options`.

    Raises:
        absl.flags.Error: a flag of ours has a value that cannot be, or a required one is
            missing; `bert_tf.cli.run` shows it.
    """
    return flags.FLAGS(argv, known_only=True)


def pipeline_options(argv: Sequence[str]) -> PipelineOptions:
    """Beam's options from what our own flags left of the command line.

    The local runner is used unless `--runner` names another. The main session is not
    pickled unless asked for: all our functions live in modules, and TensorFlow's lazy
    loaders do not survive pickling. Beam's file systems take their credentials and
    endpoints from the options from now on.

    Args:
        argv: the program's name and the arguments, as `parse_known_flags` left them.

    Returns:
        PipelineOptions.

    Raises:
        UserError: an argument is no flag of Beam's either, or has a wrong value.
    """
    # On import Beam warns of a library that only Google Cloud's tables need, and later
    # it tells of its own workings, hundreds of lines of it.
    logging.disable(logging.WARNING)
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options import pipeline_options as beam

    logging.disable(logging.NOTSET)
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    # Warns that it starts the job server of an engine, and that it stops it.
    logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> None:
            raise UserError(
                f"Expected Beam's own options, received one with an error: {message}; "
                "correct it."
            )

    # Beam itself only warns about what it does not know, and then runs without it.
    parser = Parser(allow_abbrev=False, add_help=False)
    for options_class in beam.PipelineOptions.__subclasses__():
        options_class._add_argparse_args(parser)
    known, unknown = parser.parse_known_args(list(argv[1:]))
    if unknown:
        raise UserError(
            "Expected flags of this program or of Apache Beam, received "
            f"{unknown[0]!r}; see --help for ours and Beam's documentation for its own."
        )
    options = beam.PipelineOptions(list(argv[1:]))
    if known.runner is None:
        options.view_as(beam.StandardOptions).runner = DEFAULT_RUNNER
    if known.save_main_session is None:
        options.view_as(beam.SetupOptions).save_main_session = False
    # A pipeline would do it, but files are looked for before there is one.
    FileSystems.set_options(options)
    return options
