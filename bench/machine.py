"""Describes the machine and software of a run."""

import os
import platform
import resource
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "django",
    "djangorestframework",
    "uvicorn",
    "gunicorn",
    "uvloop",
    "httptools",
    "psycopg",
    "aiohttp",
    "openai",
)


def describe() -> dict[str, str]:
    """Return the processor, kernel, Python and package versions, by name."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def load() -> str:
    """Return the load averages of the last 1, 5 and 15 minutes."""
    return " ".join(f"{average:.2f}" for average in os.getloadavg())


def raise_file_limit(needed: int) -> None:
    """Allow this process and its children to open this number of files.

    Raises:
        SystemExit: the machine's hard limit is lower.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SystemExit(f"The benchmark opens up to {needed} files and the limit is {hard}: raise `ulimit -Hn`.")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
