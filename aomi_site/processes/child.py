"""Child processes that end when they are told to, and when their parent ends.

Run as `python -m aomi_site.processes.child PARENT_PID COMMAND…`, it becomes COMMAND, which the kernel
stops when the parent dies. That works on Linux; elsewhere, a killed parent leaves it running.
"""

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PROJECT_DIR = Path(__file__).resolve().parent.parent.parent


def end_with_parent(parent: int) -> None:
    """Ask the kernel to send this process SIGTERM when its parent ends; exit if the parent has already ended.

    Args:
        parent: the parent's process id.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if is_orphan(parent):
        sys.exit(0)


def is_orphan(parent: int) -> bool:
    """Tell whether the parent process has ended."""
    return os.getppid() != parent


def tied_to_this_process(command: list[str]) -> list[str]:
    """Return a command line that runs `command` and ends with the calling process."""
    return [sys.executable, "-m", "aomi_site.processes.child", str(os.getpid()), *command]


def python_environment() -> dict[str, str]:
    """Return this process's environment, changed so that `python -m` finds the project from any folder."""
    paths = [str(PROJECT_DIR), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def stop_child(process: subprocess.Popen[bytes], *, seconds: float) -> None:
    """Ask a child that leads its own session to stop, then kill the rest of its process group.

    Args:
        process: the child, running or not.
        seconds: how long it may take; a Ctrl-C in that time kills it immediately.
    """
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(seconds)
    with suppress(ProcessLookupError, PermissionError):  # macOS raises the latter for a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> None:
    """Replace this process with the command on the command line."""
    end_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606


if __name__ == "__main__":
    main()
