"""The limited child process: `python -m apps_registry.support.limited.work MODULE ARGUMENT`.

It calls `work(ARGUMENT, data, out)` of a module of this project, where `data` comes from standard input and `out` is
standard output. It sets its own limits before it reads a byte, needs no network, and knows no secret: its environment
is empty.
"""

import importlib
import resource
import signal
import sys
from contextlib import suppress

from apps_registry.support.limited.errors import Refused

MIB = 1024 * 1024
MEMORY_BYTES = 512 * MIB
OUTPUT_BYTES = 132 * MIB
CPU_SECONDS = 30
WALL_SECONDS = 60
REFUSED = 3  # exit code: the reason is on standard output


def main() -> None:
    """Call the function that the command line names; exit with REFUSED and a reason if it fails."""
    _limit()
    module, argument = sys.argv[1:]
    try:
        importlib.import_module(module).work(argument, sys.stdin.buffer.read(), sys.stdout.buffer)
        sys.stdout.flush()
    except Refused as error:
        _refuse(str(error))
    except MemoryError:
        _refuse(f"Reading the file takes more than {MEMORY_BYTES // MIB} MB of memory; it may be a bomb.")
    except RecursionError:
        _refuse("The file is nested too deeply.")
    except Exception as error:  # a broken file can make a parser raise anything
        _refuse(f"The file is damaged, or not what its name says ({type(error).__name__}).")


def _limit() -> None:
    limits = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_FSIZE: OUTPUT_BYTES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: MEMORY_BYTES,
    }
    for limit, value in limits.items():
        with suppress(ValueError, OSError):  # macOS has no memory limit
            resource.setrlimit(limit, (value, value + 1 if limit == resource.RLIMIT_CPU else value))
    signal.alarm(WALL_SECONDS)  # works without the parent process


def _refuse(reason: str) -> None:
    with suppress(OSError):
        sys.stdout.seek(0)
        sys.stdout.truncate()
    sys.stdout.write(reason)
    sys.stdout.flush()
    sys.exit(REFUSED)


if __name__ == "__main__":
    main()
