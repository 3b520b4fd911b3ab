"""Runs a pipeline to its end, and tells in a line what has ended it before."""

import contextlib
import logging as python_logging
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator

import apache_beam as beam
import grpc
from absl import logging
from apache_beam.options.pipeline_options import DirectOptions, StandardOptions

from bert_tf.errors import UserError
from pipelines import beam_options

_SECONDS_TO_END = 2.0
# In the text of an error that has come from another process.
_OS_ERROR = re.compile(r"(?:\w*Error: )?\[Errno \d+\] ([^\n[]+)")


def run(pipeline: beam.Pipeline) -> None:
    """Runs a pipeline and waits for its end.

    Raises:
        UserError: a disk is full or a file cannot be written or read; a local worker
            process is dead, where Beam alone would wait for it forever.
    """
    mode = pipeline.options.view_as(DirectOptions).direct_running_mode
    watched = _watched_workers if mode == "multi_processing" else contextlib.nullcontext
    if pipeline.options.view_as(StandardOptions).runner in beam_options.LOCAL_RUNNERS:
        # They log whatever they raise, and each connection that a worker has left.
        python_logging.getLogger("apache_beam").setLevel(python_logging.CRITICAL)
    try:
        with watched():
            pipeline.run().wait_until_finish()
    except UserError:
        raise
    except Exception as error:
        os_errors = _OS_ERROR.findall(str(error))
        if not os_errors:
            raise
        raise UserError(
            "Expected disks with room and files that can be read and written, received: "
            f"{os_errors[-1].strip()}; mend it and run the same command again."
        ) from error


class _DeadWorker(BaseException):
    """Raised in the main thread, whatever it waits for."""


@contextlib.contextmanager
def _watched_workers() -> Iterator[None]:
    """Sets aside what local worker processes say, and ends the job if one dies.

    What goes wrong in our code there, Beam brings to this process anyway.
    """
    deaths: list[str] = []
    ended = threading.Event()
    own_hook = threading.excepthook

    def notice(arguments: threading.ExceptHookArgs) -> None:
        if arguments.thread and arguments.thread.name == "run_worker":
            deaths.append(str(arguments.exc_value))
            # The main thread waits for an answer that will not come, and when it is torn
            # from that, for the dead worker's farewell.
            while not ended.is_set():
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
                ended.wait(_SECONDS_TO_END)
        # What was connected to a dead worker fails too.
        elif not issubclass(arguments.exc_type, grpc.RpcError):
            own_hook(arguments)

    def interrupt(*unused_arguments):
        if not ended.is_set():
            raise _DeadWorker

    with _standard_error_aside():
        threading.excepthook = notice
        # Not SIGINT, which is ignored in the background of a script.
        signal.signal(signal.SIGUSR1, interrupt)
        try:
            yield
        except _DeadWorker:
            ended.set()
            raise UserError(
                f"Expected local workers that live until the end, received: {deaths[0]}. "
                "Perhaps memory is short (code 137): use fewer workers "
                "(--direct_num_workers), or run the same command again."
            ) from None
        finally:
            ended.set()
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # one may be on its way
            threading.excepthook = own_hook


@contextlib.contextmanager
def _standard_error_aside() -> Iterator[None]:
    """Gives child processes a file for their standard error, while we keep ours.

    They say a dozen lines each about starting and ending, whatever log level is set.
    """
    handler = logging.get_absl_handler().python_handler
    sys.stderr.flush()
    with (
        tempfile.TemporaryFile() as said,
        os.fdopen(os.dup(2), "w", buffering=1) as own,
    ):
        os.dup2(said.fileno(), 2)
        previous = handler.setStream(own)
        try:
            with contextlib.redirect_stderr(own):
                yield
        finally:
            os.dup2(own.fileno(), 2)
            if previous:
                handler.setStream(previous)
