"""What TensorFlow has to be told before it is imported, so that it trains fast."""

import os

_VARIABLES = {
    # A step frees and takes hundreds of megabytes. TensorFlow's own allocator keeps
    # them; the system's gives the pages back and clears them anew, a third of the time.
    "TF_CPU_ALLOCATOR_USE_BFC": "true",
    # oneDNN's products, which TensorFlow leaves out on processors without AVX-512.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}


def set_up() -> None:
    """Sets the environment variables that the user has not set."""
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)
