"""The folder of one run of the tests: all that the run makes is in it, and goes with it or with the next run."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

PREFIX = "aomi-tests-"
# Locked by the process that began the run, for as long as it lives, however it ends.
OWNER = "owner.pid"
BYTECODE = Path(__file__).resolve().parent.parent / ".pytest_cache" / "bytecode"


class RunFolder:
    """The folder, which is the data folder of the product and the temporary folder of every process of the run."""

    def __init__(self) -> None:
        """Make it and remove those of runs that were killed; a process of a parallel run joins its parent's."""
        self.is_owner = "PYTEST_XDIST_WORKER" not in os.environ
        self.path = self._make() if self.is_owner else Path(os.environ["AOMI_DATA_DIR"])
        os.environ.update(AOMI_ENV="local", AOMI_DATA_DIR=str(self.path), TMPDIR=str(self.path))
        tempfile.tempdir = str(self.path)
        keep_bytecode()

    def _make(self) -> Path:
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                _remove_if_dead(folder)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
        # Under another name until it is locked: a run that begins now must not take this one for dead.
        draft = folder / f".{OWNER}"
        self._lock = os.open(draft, os.O_CREAT | os.O_RDWR, 0o600)
        os.write(self._lock, f"{os.getpid()}\n".encode())
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        draft.rename(folder / OWNER)
        return folder

    def remove(self) -> None:
        """End what the run left running, and remove all that it made."""
        if self.is_owner:
            _remove(self.path)


def keep_bytecode() -> None:
    """Have each module compiled once, not by each of the many processes that tests start.

    Where the shell forbids Python to write bytecode next to the sources, to start a server takes three times the CPU.
    """
    if sys.dont_write_bytecode and sys.pycache_prefix is None:
        del os.environ["PYTHONDONTWRITEBYTECODE"]
        sys.dont_write_bytecode = False
        sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(BYTECODE)


def _remove_if_dead(folder: Path) -> None:
    """Remove the folder of a run whose first process is gone. One without an owner's file is not ours to judge."""
    with (folder / OWNER).open("r+") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held by a run that lives
        _remove(folder)


def _remove(folder: Path) -> None:
    import psutil

    left = _processes_of(folder)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(left, timeout=5)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
    for disk in _disks_of(folder):
        subprocess.run(["umount", "--lazy", disk], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _disks_of(folder: Path) -> list[str]:
    """The disks that a test has mounted there."""
    mounts = Path("/proc/self/mounts")
    places = [line.split()[1] for line in mounts.read_text().splitlines()] if mounts.exists() else []
    return [place for place in places if place.startswith(f"{folder}/")]


def _processes_of(folder: Path) -> "list[psutil.Process]":
    """The processes that have the folder in their environment, or work in it, as PostgreSQL does."""
    import psutil

    def is_in(path: str) -> bool:
        return path == str(folder) or path.startswith(f"{folder}/")

    found = []
    for process in psutil.process_iter():
        variables, cwd = {}, ""
        with contextlib.suppress(psutil.Error, OSError):
            variables = process.environ()
        with contextlib.suppress(psutil.Error, OSError):
            cwd = process.cwd()
        if process.pid != os.getpid() and (is_in(cwd) or any(map(is_in, variables.values()))):
            found.append(process)
    return found
