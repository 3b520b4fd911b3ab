"""Machines that are taken away say so first, by SIGTERM."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Preemption:
    """Remembers that the process has been asked to end, until a step is done."""

    def __init__(self):
        self.signal: signal.Signals | None = None

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Takes SIGTERM and Ctrl-C from Python; a second one ends the process."""
        previous = {number: signal.getsignal(number) for number in _SIGNALS}

        def notice(number, _):
            self.signal = signal.Signals(number)
            for each, handler in previous.items():
                signal.signal(each, handler)

        for number in _SIGNALS:
            signal.signal(number, notice)
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
