"""The machine that a benchmark runs on."""

import os
import pathlib
import platform
import re
from collections.abc import Sequence

from bert_tf.errors import UserError

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
# What makes matrix products fast, by the names that Linux has for it.
_FEATURES = {
    "AVX2": "avx2",
    "AVX-512": "avx512f",
    "AVX-512 BF16": "avx512_bf16",
    "AMX BF16": "amx_bf16",
}


def two_cores() -> list[int]:
    """The numbers of the last two processor cores that this process may use.

    Raises:
        UserError: there is but one.
    """
    cores = sorted(os.sched_getaffinity(0))[-2:]
    if len(cores) < 2:
        raise UserError(
            "Expected two processor cores, received one; use a larger machine."
        )
    return cores


def describe() -> str:
    """The processor, the memory and the load, on one line."""
    model = re.search(r"^model name\s*: (.+)$", _CPU_INFO.read_text(), re.M)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, "
        f"{memory:.0f} GB of memory, load average {os.getloadavg()[0]:.1f} at the start"
    )


def describe_features() -> str:
    """Which instructions for matrix products the processor has, and which it lacks."""
    flags = re.search(r"^flags\s*: (.+)$", _CPU_INFO.read_text(), re.M)
    found = set(flags[1].split()) if flags else set()
    return ", ".join(
        name if flag in found else f"no {name}" for name, flag in _FEATURES.items()
    )


def describe_with(stacks: Sequence[Sequence[tuple[str, str]]]) -> str:
    """All of this, Python, and what systems consist of, on one line.

    Args:
        stacks: of each system, its packages with their versions, the lowest last.
    """
    systems = (
        " on ".join(f"{name} {version}".strip() for name, version in packages)
        for packages in stacks
    )
    python = f"Python {platform.python_version()}"
    return "; ".join([describe(), describe_features(), python, *systems])
