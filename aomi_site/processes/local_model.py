"""A model's server as a child process on loopback."""

import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

from aomi_site.processes.child import python_environment, stop_child
from aomi_site.processes.network import answers, free_port, wait_until

LOAD_SECONDS = 60


class ModelUnavailableError(Exception):
    """A model cannot run here; the message is one sentence for the operator."""


class LocalModel(ABC):
    """A model's process, on the same loopback port for the lifetime of this object.

    Attributes:
        title: its name in messages.
    """

    title: str

    def __init__(self, log: Path) -> None:
        """Choose a port without starting anything.

        Args:
            log: the file for the process's output.
        """
        self.log = log
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """The base URL for a Provider row."""
        return f"http://127.0.0.1:{self.port}/v1"

    @abstractmethod
    def command(self, parent: int) -> list[str]:
        """Return the Python module to run and its arguments.

        Args:
            parent: id of the process whose end also ends the model.
        """

    def launch(self, parent: int) -> None:
        """Start the process; the model loads in the background.

        Args:
            parent: id of the process whose end also ends the model.
        """
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", *self.command(parent)],
                env=python_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_until_loaded(self) -> None:
        """Wait until the model answers.

        Raises:
            ModelUnavailableError: it does not start.
        """
        wait_until(lambda: not self.is_running() or self._is_ready(), LOAD_SECONDS)
        if not (self.is_running() and self._is_ready()):
            self.stop()
            lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
            reason = lines[-1].strip() if lines else "no message"
            raise ModelUnavailableError(f"The {self.title} did not start: {reason} (see {self.log}).")

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Kill the process; it has no state to save."""
        if self.process is not None:
            stop_child(self.process, seconds=2)

    def _is_ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/health")
