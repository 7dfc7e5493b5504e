#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import sys


def main() -> None:
    """Run a management command; on a machine without configuration, against the local data folder."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
    # Only commands fall back to local mode: a bare gunicorn is a production server until told otherwise.
    os.environ.setdefault("AOMI_ENV", "local")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            f"{error}. Install the dependencies first; the README's first command does it."
        ) from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
