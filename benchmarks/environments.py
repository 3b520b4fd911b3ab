"""The virtual environments in which peers are installed, one each."""

import pathlib
import re
import sys

from bert_tf.errors import UserError

_REQUIREMENTS = pathlib.Path(__file__).parent / "peers"


def python(folder: pathlib.Path, environment: str | None, *, target: str) -> str:
    """The interpreter of an environment.

    Args:
        folder: has the peers' environments in it.
        environment: the name of a peer's; None for ours, which runs now.
        target: of `make`, which makes the peers'.

    Raises:
        UserError: there is none.
    """
    if environment is None:
        return sys.executable
    path = folder / environment / "bin/python"
    if not path.exists():
        raise UserError(
            f"Expected a peer's environment, received none at "
            f"{str(folder / environment)!r}; run make {target}, which makes it."
        )
    return str(path)


def versions(environment: str, *packages: str) -> list[tuple[str, str]]:
    """The packages, each with the version that an environment's requirements name."""
    pinned = (_REQUIREMENTS / f"{environment}.txt").read_text(encoding="utf-8")
    found = dict(re.findall(r"^([\w.-]+)==(\S+)$", pinned, re.M))
    return [(package, found[package]) for package in packages]
