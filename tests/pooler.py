"""A real pgbouncer in transaction mode in front of the tests' Postgres."""

import os
import pwd
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path
from typing import Any

from tests.needs import program
from tests.patience import scaled
from tests.product import free_port

POOL_SIZE = 4


class Pooler:
    """Runs all clients' transactions over POOL_SIZE connections."""

    def __init__(self, database_url: str, folder: Path) -> None:
        """Start pgbouncer and wait until it accepts connections.

        Args:
            database_url: of the Postgres behind it.
            folder: for its files; other users must be able to traverse it.
        """
        pgbouncer = program("pgbouncer", package="pgbouncer")
        parts = urllib.parse.urlsplit(database_url)
        hosts = urllib.parse.parse_qs(parts.query).get("host")
        host, port = (hosts[0] if hosts else parts.hostname or "127.0.0.1"), parts.port or 5432
        own_port = free_port()
        users = folder / "users.txt"
        users.write_text(f'"{parts.username}" "{parts.password or ""}"\n')
        config = folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host={host} port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {own_port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {users}\n"
            f"pool_mode = transaction\ndefault_pool_size = {POOL_SIZE}\nmax_client_conn = 500\n"
        )
        as_user = _owner_of_socket(host, port)
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen([pgbouncer, str(config)], stdout=log, stderr=subprocess.STDOUT, **as_user)
        self.url = f"postgresql://{parts.username}:{parts.password or ''}@127.0.0.1:{own_port}{parts.path}"
        self._wait_until_ready(own_port, folder)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(scaled(10))

    def _wait_until_ready(self, port: int, folder: Path) -> None:
        deadline = time.monotonic() + scaled(30)
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                is_lost = self.process.poll() is not None or time.monotonic() > deadline
                assert not is_lost, (folder / "log").read_text()
                time.sleep(0.05)


def _owner_of_socket(host: str, port: int) -> dict[str, Any]:
    """Return Popen's arguments for the user that can use Postgres's socket; pgbouncer also refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    path = Path(host) / f".s.PGSQL.{port}"
    user = pwd.getpwuid(path.stat().st_uid) if host.startswith("/") else pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
