"""Asking again."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from bert_tf.serving.client.errors import DeadlineExceeded, Unavailable

MAX_ATTEMPTS = 6  # over about three seconds
_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 2.0

Result = TypeVar("Result")


class Deadline:
    """A time until which something has to be done.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float):
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds.

        Raises:
            DeadlineExceeded: there are none.
        """
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise self.exceeded()
        return remaining

    def exceeded(self) -> DeadlineExceeded:
        """The exception that tells it is over."""
        return DeadlineExceeded(
            f"Expected an answer within {self.seconds:g} seconds, received none; give "
            "more time or fewer inputs."
        )


def with_retries(call: Callable[[], Result], deadline: Deadline) -> Result:
    """Calls again while the server is unavailable, after longer and longer waits.

    Waits are drawn at random, so that many clients do not come back at once.

    Args:
        call: to be tried.
        deadline: of all attempts.

    Raises:
        Unavailable: no attempt was successful.
        DeadlineExceeded: there is no time for another.
    """
    for attempt in range(MAX_ATTEMPTS - 1):
        try:
            return call()
        except Unavailable as error:
            longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2**attempt)
            wait = random.uniform(longest / 2, longest)
            if wait >= deadline.remaining():
                raise deadline.exceeded() from error
            time.sleep(wait)
    return call()
