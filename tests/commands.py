"""Runs manage.py as operators do: in this process, or in a separate one with other variables."""

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO
from unittest import mock

from tests import preloaded
from tests.patience import scaled


@dataclass
class Result:
    """The result of a command."""

    code: int
    out: str
    err: str


def call_manage(*arguments: str) -> Result:
    """Run `manage.py` with these arguments in this process, which saves the second that a new one takes to start."""
    import manage

    out, err = io.StringIO(), io.StringIO()
    argv = mock.patch.object(sys, "argv", ["manage.py", *arguments])
    with argv, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = _exit_code_of(manage.main)
    return Result(code, out.getvalue(), err.getvalue())


def _exit_code_of(main: Callable[[], None]) -> int:
    """Call `main`, and return the exit code that Python would end with."""
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)  # noqa: T201
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def run_manage(*arguments: str, environment: Mapping[str, str], more: Mapping[str, str] | None = None) -> Result:
    """Run `manage.py` with these arguments and variables in a separate process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        full = {**os.environ, **environment, **(more or {})}
        code = preloaded.start(["manage.py", *arguments], full, out=out, err=err).wait(scaled(120))
        return Result(code, _written(out), _written(err))


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
