"""The secret key of a machine that was given none: made once, kept in the data folder."""

import os
import secrets
from pathlib import Path


def local_secret_key(data_dir: Path) -> str:
    """Return the data folder's secret key, making it (readable by its owner only) when there is none.

    Args:
        data_dir: the folder that holds everything this machine keeps.
    """
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    draft = data_dir / f".secret_key-{os.getpid()}"
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(draft, path)  # fails when another process was first, which then holds the key of both
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
