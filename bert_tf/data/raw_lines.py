"""Inputs that nobody has labelled, as they come from a file or a pipe."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bert_tf.errors import UserError

Inputs = Mapping[str, Any]


def parse_lines(
    lines: Iterable[str], names: Iterable[str], *, are_objects: bool
) -> Iterator[Inputs]:
    """The inputs of a line each.

    Args:
        lines: texts, or JSON objects.
        names: of the inputs; all of a task with more than one need objects.
        are_objects: whether lines are objects.

    Raises:
        UserError: naming the line that has other names.
    """
    names = list(names)
    if names == ["text"] and not are_objects:
        yield from ({"text": line} for line in lines)
        return
    for number, line in enumerate(lines, start=1):
        try:
            inputs = json.loads(line)
        except ValueError:
            inputs = None
        if not isinstance(inputs, dict) or not inputs.keys() >= set(names):
            raise UserError(
                f"line {number}: expected a JSON object with {', '.join(names)}, "
                f"received {line[:60]!r}; write one a line."
            )
        yield {name: inputs[name] for name in names}
