"""The benchmark's own Postgres, from the wheel, in a temporary folder."""

import shutil
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from aomi_site.embedded_postgres.server import PORT, ensure_running, stop_if_unused


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    data_dir: Path
    socket_dir: Path

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return int((self.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])

    def url(self, database: str) -> str:
        host = urllib.parse.quote(str(self.socket_dir), safe="")
        return f"postgresql://postgres@:{PORT}/{database}?host={host}"

    def run(self, database: str, *statements: str) -> None:
        """Run statements outside a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.url(database)) as connection:
            return connection.execute(query.encode()).fetchall()

    def has(self, database: str) -> bool:
        with psycopg.connect(self.url("postgres")) as connection:
            row = connection.execute("SELECT FROM pg_database WHERE datname = %s", [database])
            return row.fetchone() is not None


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server in a new folder; stop it and remove the folder afterwards."""
    data_dir = Path(tempfile.mkdtemp(prefix="aomi-bench-"))
    try:
        yield Postgres(data_dir, ensure_running(data_dir))
    finally:
        stop_if_unused(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)
