"""The development server as a process."""

import pathlib
import re
import signal
import subprocess
import sys
import time
from typing import Self

from benchmarks import usage

_SECONDS_TO_START = 300
_SECONDS_TO_STOP = 60  # it gives requests that are under way ten
_ADDRESSES = re.compile(r"gRPC Predict at (\S+)\n.*REST at (\S+)/ ")


class Server:
    """A server that is started, and killed at the end of a `with` block unless stopped.

    Args:
        model_dir: folder of the numbered versions, whose name is the model's.
        log: a file for all that it says.

    Attributes:
        model_name: what to ask for.
        grpc_address: host and port.
        url: of REST.

    Raises:
        RuntimeError: it does not start.
    """

    def __init__(self, model_dir: pathlib.Path, log: pathlib.Path):
        self.model_name = model_dir.name
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "bert_tf.serving.local"),
                    *(f"--model_dir={model_dir}", "--port=0", "--grpc_port=0"),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self.grpc_address, self.url = self._await_addresses()
        except BaseException:
            self._kill()
            raise

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def log(self) -> str:
        """What it has said until now."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """Sends SIGTERM, and waits for the end.

        Returns:
            The exit code; that of SIGKILL if it did not end within a minute.
        """
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._kill()
            return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._kill()

    def _await_addresses(self) -> tuple[str, str]:
        end = time.monotonic() + _SECONDS_TO_START
        while time.monotonic() < end and self.is_running:
            if found := _ADDRESSES.search(self.log()):
                return found.groups()
            time.sleep(0.1)
        raise RuntimeError(f"The server does not start: {usage.last_line(self._log)}")

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
