"""Inputs that nobody has labelled, as they come from a file or a pipe."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bert_tf.data.task_files.opening import parse_json, wrong

Inputs = Mapping[str, Any]
_KINDS = {1: "a text", 2: "a list of texts"}


def parse_lines(
    path: str, lines: Iterable[str], ranks: Mapping[str, int], *, are_objects: bool
) -> Iterator[Inputs]:
    """The inputs of a line each.

    Args:
        path: where the lines are from, for errors.
        lines: texts, or JSON objects.
        ranks: of the inputs by their names: 1 of a text, 2 of a list of texts. All of a
            task with more than one need objects.
        are_objects: whether lines are objects; blank ones between them are passed over.

    Raises:
        UserError: naming the line that has other names, or something else than texts.
    """
    if dict(ranks) == {"text": 1} and not are_objects:
        yield from ({"text": line} for line in lines)
        return
    names = ", ".join(ranks)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        expected = f"a JSON object with {names}"
        inputs = parse_json(path, line, line=number, expected=expected)
        if not isinstance(inputs, dict) or not inputs.keys() >= ranks.keys():
            raise wrong(
                path,
                number,
                f"expected {expected}, received {line[:60]!r}; write one a line.",
            )
        for name, rank in ranks.items():
            if not _is_text(inputs[name], rank):
                raise wrong(
                    path,
                    number,
                    f"expected {_KINDS[rank]} as {name!r}, received "
                    f"{str(inputs[name])[:60]!r}; mend the line.",
                )
        yield {name: inputs[name] for name in ranks}


def _is_text(value: Any, rank: int) -> bool:
    """Whether it is a text, or a list that is not empty of what has the rank below."""
    if rank == 1:
        return isinstance(value, str)
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(_is_text(each, rank - 1) for each in value)
    )
