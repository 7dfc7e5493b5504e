"""A server with the pictures' content, on a temporary database."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench import postgres, servers
from bench.servers import ROOT
from screenshots.content.scripted_model import model_serving

DATABASE = "screenshots"


@dataclass(frozen=True, slots=True)
class Running:
    """A running server.

    Attributes:
        url: its address.
        login: the cookie of an operator.
        content: ids of rows, by the names that paths of pages use.
    """

    url: str
    login: str
    content: dict[str, Any]


@contextmanager
def serving() -> Iterator[Running]:
    """Start PostgreSQL in a new folder, fill a database and serve it with a model; remove everything afterwards."""
    with model_serving() as model_url, postgres.running() as database:
        database.run("postgres", f"CREATE DATABASE {DATABASE}")
        environment = {
            "AOMI_ENV": "local",
            "AOMI_DATA_DIR": str(database.data_dir),
            "DATABASE_URL": database.url(DATABASE),
        }
        _run(environment, "manage.py", "migrate", "-v0")
        filled = json.loads(_run(environment, "-m", "screenshots.content", model_url))
        with servers.serving("product", environment, database.data_dir / "server.log") as server:
            yield Running(f"http://127.0.0.1:{server.port}", filled["login"], filled["content"])


def _run(environment: dict[str, str], *arguments: str) -> bytes:
    full = {**os.environ, **environment}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=full, check=True, stdout=subprocess.PIPE).stdout
