"""The user that PostgreSQL runs as: it refuses to run as root, so under root it gets a dedicated user."""

import logging
import os
import pwd
import stat
import subprocess
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

log = logging.getLogger(__name__)
USER_NAME = "pgserver"


def server_user(pgdata: Path) -> pwd.struct_passwd | None:
    """Return the user that the server must run as; None for the current user.

    Args:
        pgdata: the server's folder; once it exists, its owner does not change.

    Raises:
        ImproperlyConfigured: another user owns the folder, or no user can be created for the server.
    """
    owner = pgdata.stat().st_uid if pgdata.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise ImproperlyConfigured(
                f"The database in {pgdata} belongs to another user ({_name(owner)}): run this as that user, "
                "or set AOMI_DATA_DIR to a folder of your own."
            )
        return None
    return pwd.getpwuid(owner) if owner else _dedicated_user()


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return str(uid)


def _dedicated_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(USER_NAME)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER_NAME]
        try:
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603
            return pwd.getpwnam(USER_NAME)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            raise ImproperlyConfigured(
                "PostgreSQL does not run as root, and a user for it could not be created with useradd: run this "
                "as an ordinary user, or set DATABASE_URL."
            ) from error


def make_traversable(folder: Path) -> None:
    """Let other users traverse (but not list) `folder` and the folders above it, so that the server reaches its files.

    Without this, the server's user cannot reach a data folder under /root.
    """
    for step in (folder, *folder.parents):
        mode = step.stat().st_mode
        if not mode & stat.S_IXOTH:
            log.warning("Allowing PostgreSQL's user to traverse %s (chmod o+x).", step)
            step.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def make_readable(folder: Path) -> None:
    """Make everything in `folder` (the server's programs) readable for the server's user, as wheels intend."""
    if not folder.exists():
        return
    make_traversable(folder)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            run = stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0
            path.chmod(mode | stat.S_IROTH | run)
