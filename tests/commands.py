"""Runs manage.py as operators do: in this process, or in a separate one with other variables."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from unittest import mock

from tests.patience import scaled
from tests.product import ROOT


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
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment, **(more or {})},
        capture_output=True,
        text=True,
        timeout=scaled(120),
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)
