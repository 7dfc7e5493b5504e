"""Runs the embedded model as a child process."""

from pathlib import Path

from aomi_site.embedded_model.weights import weights_path
from aomi_site.processes.local_model import LocalModel

MODEL_ID = "smollm2-135m-instruct"
CONTEXT_TOKENS = 8192  # the context length that the model was trained with
SLOTS = 2  # conversations served at the same time; others wait
MAX_REPLY_TOKENS = 512


class EmbeddedModel(LocalModel):
    """The model's process, on the same loopback port for the lifetime of this object."""

    title = "embedded model"

    def __init__(self, data_dir: Path) -> None:
        """Choose a port without starting anything.

        Args:
            data_dir: the folder with the weights; the process's error log is written there too.
        """
        super().__init__(data_dir / "embedded_model.log")
        self.weights = weights_path(data_dir)

    def command(self, parent: int) -> list[str]:
        """Return the module to run and its arguments."""
        return ["aomi_site.embedded_model", str(self.weights), str(self.port), str(parent)]
