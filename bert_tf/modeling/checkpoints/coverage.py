"""What became of each weight of a checkpoint that was read or written."""

import dataclasses
from collections.abc import Mapping, Sequence

from bert_tf.errors import UserError

_NUM_NAMED = 5


@dataclasses.dataclass(frozen=True)
class Coverage:
    """The fate of every weight, by the names of the folder they are in."""

    loaded: tuple[str, ...]  # our paths
    skipped: Mapping[str, tuple[str, ...]]  # names by the rule that skips them
    missing: Mapping[str, str]  # our paths, and the names they were looked for under
    unexpected: tuple[str, ...]  # names that nothing was known to do with

    def require(self, allowed: Sequence[str] = ()) -> None:
        """Raises UserError if a weight is missing that is not allowed to be.

        Args:
            allowed: beginnings of our paths.
        """
        missing = {
            path: name
            for path, name in self.missing.items()
            if not path.startswith(tuple(allowed))
        }
        if missing:
            named = ", ".join(
                f"{path} ({name})" for path, name in list(missing.items())[:_NUM_NAMED]
            )
            others = len(missing) - _NUM_NAMED
            more = f" and {others} more" if others > 0 else ""
            raise UserError(
                f"Expected every weight of the model, received none for {named}{more}; "
                "give the whole checkpoint, or name what may stay at random: "
                f"--allow_missing={next(iter(missing)).rpartition('/')[0]}."
            )

    def format(self) -> str:
        """All of it for a person, a line for each kind."""
        lines = [f"loaded      {len(self.loaded)} weights"]
        for why, names in self.skipped.items():
            lines.append(f"skipped     {len(names)} ({why}): {_some(names)}")
        for title, names in (
            ("missing", tuple(self.missing)),
            ("unexpected", self.unexpected),
        ):
            if names:
                lines.append(f"{title:11} {len(names)}: {_some(names)}")
        return "\n".join(lines)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NUM_NAMED]) + (", ..." if len(names) > _NUM_NAMED else "")
