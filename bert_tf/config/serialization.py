"""Configurations as JSON, there and back."""

import dataclasses
import json
import typing
from typing import Any, TypeVar

from bert_tf.errors import UserError

Config = TypeVar("Config")


def to_json(config: Any) -> str:
    """A configuration as indented JSON with a final newline."""
    return json.dumps(dataclasses.asdict(config), indent=2) + "\n"


def from_json(kind: type[Config], text: str) -> Config:
    """What `to_json` wrote of a configuration.

    Args:
        kind: the dataclass.
        text: of the JSON.

    Raises:
        UserError: it is none, or has other fields than this version.
    """
    try:
        return _from_fields(kind, json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"Expected a {kind.__name__} that this version of bert_tf wrote, received "
            f"one that differs ({error}); use the version it was written with."
        ) from error


def _from_fields(kind: type[Config], fields: dict[str, Any]) -> Config:
    """Fields that were not there yet when it was written have their defaults."""
    types = typing.get_type_hints(kind)
    unknown = fields.keys() - types.keys()
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    missing = [
        name
        for name, part in types.items()
        if dataclasses.is_dataclass(part) and name not in fields
    ]
    if missing:
        raise ValueError(f"no {', '.join(missing)}")
    return kind(**{name: _value(types[name], value) for name, value in fields.items()})


def _value(kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        return _from_fields(kind, value)
    return tuple(value) if typing.get_origin(kind) is tuple else value
