"""Runs the practice model as a child process."""

from pathlib import Path

from aomi_site.processes.local_model import LocalModel


class PracticeModel(LocalModel):
    """The practice model's process, on the same loopback port for the lifetime of this object."""

    title = "practice model"

    def __init__(self, data_dir: Path) -> None:
        """Choose a port without starting anything.

        Args:
            data_dir: the folder for the process's error log.
        """
        super().__init__(data_dir / "practice_model.log")

    def command(self, parent: int) -> list[str]:
        """Return the module to run and its arguments."""
        return ["aomi_site.practice_model", str(self.port), str(parent)]
