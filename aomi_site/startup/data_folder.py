"""Only one quickstart at a time may use the data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError


@contextmanager
def claimed(data_dir: Path) -> Iterator[None]:
    """Lock the data folder; the operating system releases the lock however this process ends.

    Two servers on one folder would each write their own embedded model's address to the database.

    Raises:
        CommandError: another quickstart holds the lock, or the folder is not writable.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "quickstart.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CommandError(
            f"The data folder {data_dir} cannot be used ({error.strerror}): make it writable, or set "
            "AOMI_DATA_DIR to a folder that is."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise CommandError(
            f"Another quickstart is running with the data folder {data_dir}: stop that one, or set "
            "AOMI_DATA_DIR to another folder."
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)
