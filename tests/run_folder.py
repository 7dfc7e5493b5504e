"""The folder of one test run: it holds everything that the run creates, and is removed after it or by the next run."""

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
# The first process of the run holds this lock until it ends, however it ends.
OWNER = "owner.pid"
BYTECODE = Path(__file__).resolve().parent.parent / ".pytest_cache" / "bytecode"


class RunFolder:
    """The folder: the product's data folder, and the temporary folder of every process of the run."""

    def __init__(self) -> None:
        """Create it and remove those of killed runs; a process of a parallel run joins its parent's."""
        self.is_owner = "PYTEST_XDIST_WORKER" not in os.environ
        self.path = self._make() if self.is_owner else Path(os.environ["AOMI_DATA_DIR"])
        os.environ.update(AOMI_ENV="local", AOMI_DATA_DIR=str(self.path), TMPDIR=str(self.path))
        tempfile.tempdir = str(self.path)
        keep_bytecode()

    def _make(self) -> Path:
        remove_dead_runs(Path(tempfile.gettempdir()))
        folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
        # The folder has another name until it is locked; otherwise, a run that begins now could remove it.
        draft = folder / f".{OWNER}"
        self._lock = os.open(draft, os.O_CREAT | os.O_RDWR, 0o600)
        os.write(self._lock, f"{os.getpid()}\n".encode())
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        draft.rename(folder / OWNER)
        return folder

    def remove(self) -> None:
        """End the remaining processes of the run, and remove everything that it created."""
        if self.is_owner:
            _remove(self.path)


def keep_bytecode() -> None:
    """Compile each module once, not in each of the many processes that tests start.

    If the shell disables bytecode files next to the sources, starting a server takes three times the CPU.
    """
    if sys.dont_write_bytecode and sys.pycache_prefix is None:
        del os.environ["PYTHONDONTWRITEBYTECODE"]
        sys.dont_write_bytecode = False
        sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(BYTECODE)


def remove_dead_runs(temporary: Path) -> None:
    """Remove the folders of killed runs, and end the processes that these have left."""
    for folder in temporary.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            _remove_if_dead(folder)


def _remove_if_dead(folder: Path) -> None:
    """Remove the folder of a run whose first process has ended. A folder without an owner file is left alone."""
    with (folder / OWNER).open("r+") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a live run holds this lock
        _remove(folder)


def _remove(folder: Path) -> None:
    import psutil

    remaining = _processes_of(folder)
    for process in remaining:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(remaining, timeout=5)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
    for disk in _mounts_in(folder):
        subprocess.run(["umount", "--lazy", disk], check=False)
    _remove_files(folder)


def _remove_files(folder: Path) -> None:
    """Remove the owner file last: without it, no later run would remove what this one cannot."""
    for path in [path for path in folder.iterdir() if path.name != OWNER]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if {path.name for path in folder.iterdir()} <= {OWNER}:
        shutil.rmtree(folder, ignore_errors=True)


def _mounts_in(folder: Path) -> list[str]:
    """Return the file systems that a test has mounted inside."""
    mounts = Path("/proc/self/mounts")
    mount_points = [line.split()[1] for line in mounts.read_text().splitlines()] if mounts.exists() else []
    return [mount_point for mount_point in mount_points if mount_point.startswith(f"{folder}/")]


def _processes_of(folder: Path) -> "list[psutil.Process]":
    """Return the processes with the folder in their environment, or as their working directory, like PostgreSQL."""
    import psutil

    def is_in(path: str) -> bool:
        return path == str(folder) or path.startswith(f"{folder}/")

    processes = []
    for process in psutil.process_iter():
        variables, cwd = {}, ""
        with contextlib.suppress(psutil.Error, OSError):
            variables = process.environ()
        with contextlib.suppress(psutil.Error, OSError):
            cwd = process.cwd()
        if process.pid != os.getpid() and (is_in(cwd) or any(map(is_in, variables.values()))):
            processes.append(process)
    return processes
