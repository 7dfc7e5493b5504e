"""manage.py as operators run it: a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tests.product import ROOT


@dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


def run_manage(*arguments: str, environment: Mapping[str, str], more: Mapping[str, str] | None = None) -> Result:
    """Run `manage.py` with these arguments and variables."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment, **(more or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)
