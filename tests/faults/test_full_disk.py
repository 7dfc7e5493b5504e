"""The disk of PostgreSQL is full: readiness says so, callers are told to retry, and nothing accepted is lost."""

import os
import shutil
import subprocess
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aomi_site.embedded_postgres.cluster import Cluster
from tests.client import Client
from tests.commands import run_manage
from tests.model_server import ModelServer
from tests.needs import missing
from tests.product import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.thorough

DISK_MB = 160
LETTERS = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(6_000))  # compression hardly shrinks it


@pytest.fixture
def disk() -> Iterator[Path]:
    """A separate disk, in memory."""
    folder = Path(tempfile.mkdtemp(prefix="aomi-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=711", "tmpfs", str(folder)]
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not is_root or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        folder.rmdir()
        missing("a small disk cannot be mounted: that needs root on Linux")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def database_on_disk(disk: Path, environment: dict[str, str], model_server: ModelServer) -> Iterator[str]:
    """The address of a migrated database on that disk, with its default App."""
    cluster = Cluster(disk.resolve())
    cluster.start()
    url = f"postgresql://postgres:@/postgres?host={urllib.parse.quote(str(cluster.socket_dir), safe='')}"
    model = ["--model", "scripted-default", "--base-url", model_server.base_url]
    for command in (["migrate", "-v0"], ["seed_default_app", *model]):
        done = run_manage(*command, environment={**environment, "DATABASE_URL": url})
        assert done.code == 0, done.err
    yield url
    cluster.stop()
    if cluster.socket_dir != cluster.pgdata:
        shutil.rmtree(cluster.socket_dir, ignore_errors=True)


class Filler:
    """Uses up the free space of a disk."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "filler"

    def fill(self) -> None:
        with self._path.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def free(self) -> None:
        self._path.unlink()


def test_a_full_disk_loses_nothing_that_was_accepted(
    start: Callable[..., Server], disk: Path, database_on_disk: str
) -> None:
    server = start(DATABASE_URL=database_on_disk)
    accepted: list[str] = []

    def chat(client: Client, message: str) -> int:
        answer = client.request("POST", "/api/chat", json={"message": message})
        assert answer.status_code in {200, 503}, answer.text
        if answer.status_code == 200:
            accepted.append(message)
        else:
            assert answer.json()["code"] == "overloaded"
        return answer.status_code

    with Client(server.url) as client:
        assert chat(client, "before") == 200
        filler = Filler(disk)
        filler.fill()
        wait_until(lambda: server.get("/readyz", timeout=15).status_code == 503)
        assert server.get("/readyz", timeout=15).json()["database"] == "disk_full"
        wait_until(lambda: chat(client, f"{len(accepted)} {LETTERS}") == 503)
        filler.free()
        wait_until(lambda: server.get("/readyz", timeout=15).status_code == 200)
        assert chat(client, "after") == 200
        messages = [message["content"] for message in client.poll()["messages"] if message["sender"] == "user"]
    assert messages == accepted
    assert "Traceback" not in server.log
