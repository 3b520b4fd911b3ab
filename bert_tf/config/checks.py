"""What fields of configurations are checked with, and how errors are told."""

import contextlib
import math
import numbers
import typing
from collections.abc import Iterator
from typing import Any

from bert_tf.errors import UserError


def require(condition: bool, name: str, expected: str, received: Any, todo: str) -> None:
    """Raises UserError unless the condition holds."""
    if not condition:
        raise UserError(f"{name}: expected {expected}, received {received!r}; {todo}.")


@contextlib.contextmanager
def section(name: str) -> Iterator[None]:
    """Names the part of a configuration whose field cannot be."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{name}.{error}") from error


def require_choice(name: str, received: str, choices: tuple[str, ...]) -> None:
    """Raises UserError for a value that is none of the choices."""
    require(
        received in choices,
        name,
        f"one of {', '.join(choices)}",
        received,
        "choose one of them",
    )


def require_positive(config: Any, *names: str) -> None:
    """Raises UserError for the first of these fields that is not above 0, or infinite."""
    for name in names:
        value = _number(config, name)
        is_right = 0 < value < math.inf
        require(is_right, name, "a finite number above 0", value, "change it")


def require_share(config: Any, *names: str) -> None:
    """Raises UserError for the first of these fields that is not in [0, 1)."""
    for name in names:
        value = _number(config, name)
        require(
            0 <= value < 1, name, "a share of at least 0 and below 1", value, "change it"
        )


def _number(config: Any, name: str) -> float:
    """A field's value; raises UserError unless it is a number, whole if the field is."""
    value = getattr(config, name)
    is_whole = typing.get_type_hints(type(config))[name] is int
    kind = numbers.Integral if is_whole else numbers.Real
    require(
        isinstance(value, kind) and not isinstance(value, bool),
        name,
        "a whole number" if is_whole else "a number",
        value,
        "give one",
    )
    return value
