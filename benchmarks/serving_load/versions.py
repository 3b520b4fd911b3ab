"""New versions of a model, which appear while it is asked."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import time
from collections.abc import Callable

from benchmarks.serving_load.good import predict
from benchmarks.serving_load.questions import Question
from benchmarks.serving_load.server import Server
from benchmarks.serving_load.tally import Tally
from bert_tf.serving.client.errors import ServingError
from bert_tf.serving.client.rest import RestClient

_FIRST = 1
_SECONDS_BETWEEN = 20.0
_SECONDS_TO_LOAD = 120.0
_SECONDS_BETWEEN_LOOKS = 0.05
_GRAPH = "saved_model.pb"


@dataclasses.dataclass
class Version:
    """One that was put into the folder while the server answered."""

    number: int
    was_damaged: bool  # at first, and then mended
    seconds_to_answer: float | None = None  # since it was whole; None if it never did


class Versions:
    """The folder that a server watches.

    Args:
        folder: to be made, with a first version.
        source: a version of an export, of which all are copies.
    """

    def __init__(self, folder: pathlib.Path, source: pathlib.Path):
        self.published: list[Version] = []
        self._folder, self._source = folder, source
        self._newest = _FIRST
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._place()

    def keep_publishing(
        self, server: Server, tally: Tally, question: Question, *, end: float
    ) -> None:
        """Puts new versions into the folder and deletes those before.

        There are two at least, the second of them damaged at first. After one that is
        not taken there are no more.

        Args:
            server: that watches the folder.
            tally: counts a request to each new version by its number.
            question: of that request.
            end: the time.monotonic() to stop at.
        """
        with contextlib.suppress(ServingError, TimeoutError):
            for was_damaged in (False, True):
                self._publish(server, tally, question, was_damaged=was_damaged)
            while time.monotonic() + _SECONDS_BETWEEN < end:
                time.sleep(_SECONDS_BETWEEN)
                self._publish(server, tally, question, was_damaged=False)

    def begin_loading(self, server: Server) -> None:
        """Puts a version into the folder, and waits until the server loads it.

        Raises:
            ServingError: it does not answer.
            TimeoutError: it does not load it.
        """
        self._newest += 1
        self._place()
        with RestClient(server.url, server.model_name) as client:
            _await(lambda: client.status().get(self._newest) in ("LOADING", "AVAILABLE"))

    def _publish(
        self, server: Server, tally: Tally, question: Question, *, was_damaged: bool
    ) -> None:
        self._newest += 1
        version = Version(self._newest, was_damaged)
        self.published.append(version)
        with (
            RestClient(server.url, server.model_name) as client,
            RestClient(
                server.url, server.model_name, version=version.number
            ) as by_number,
        ):

            def has(state: str) -> Callable[[], bool]:
                return lambda: client.status().get(version.number) == state

            self._place(is_damaged=was_damaged)
            if was_damaged:
                _await(has("END"))
                self._mend()
            start = time.monotonic()
            _await(has("AVAILABLE"))
            version.seconds_to_answer = time.monotonic() - start
            tally.send(predict("REST, a new version by its number", by_number, question))
        shutil.rmtree(self._folder / str(version.number - 1))

    def _place(self, *, is_damaged: bool = False) -> None:
        """Makes the newest version appear, all of its files at once."""
        unfinished = self._folder / f"tmp-{self._newest}"
        shutil.copytree(self._source, unfinished)
        if is_damaged:
            graph = unfinished / _GRAPH
            os.truncate(graph, graph.stat().st_size // 2)
        unfinished.rename(self._folder / str(self._newest))

    def _mend(self) -> None:
        whole = self._folder / f"tmp-{_GRAPH}"
        shutil.copyfile(self._source / _GRAPH, whole)
        whole.rename(self._folder / str(self._newest) / _GRAPH)


def _await(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS_TO_LOAD
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {_SECONDS_TO_LOAD:g} seconds")
        time.sleep(_SECONDS_BETWEEN_LOOKS)
