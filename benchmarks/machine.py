"""The machine that a benchmark runs on."""

import os
import pathlib
import platform
import re

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
# What makes matrix products fast, by the names that Linux has for it.
_FEATURES = {
    "AVX2": "avx2",
    "AVX-512": "avx512f",
    "AVX-512 BF16": "avx512_bf16",
    "AMX BF16": "amx_bf16",
}


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
