#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import select
import signal
import sys


def main() -> None:
    """Run a management command; without configuration, it uses the local data folder.

    Problems that an operator can fix, such as a wrong setting or a missing database, end with one sentence.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
    # Only commands default to local mode: gunicorn runs a production server unless configured otherwise.
    os.environ.setdefault("AOMI_ENV", "local")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import Error, ProgrammingError
    except ImportError as error:
        raise SystemExit(f"{error}. Install the dependencies first; the README's first command does it.") from error
    try:
        try:
            execute_from_command_line(sys.argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _is_unread():  # another pipe broke
            raise
        raise SystemExit(128 + signal.SIGPIPE) from None  # as shells report it
    except ImproperlyConfigured as error:
        raise SystemExit(f"Error: {error}") from None
    except ProgrammingError as error:
        if type(error.__cause__).__name__ != "UndefinedTable":
            raise
        raise SystemExit("Error: the database has no tables yet: run `manage.py migrate` first.") from None
    except Error as error:
        from apps_registry.support.database_errors import is_transient

        if not is_transient(error):
            raise
        raise SystemExit(f"Error: the database did not answer: {str(error).splitlines()[0]}") from None


def _is_unread() -> bool:
    """Tell whether nobody reads the output any more, as after `| head`; if so, write no more of it."""
    output = sys.stdout.fileno()
    poll = select.poll()
    poll.register(output, 0)
    if not poll.poll(0):  # without a reader there is an error to report
        return False
    # Python writes what is left at its end, and would report the same error.
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


if __name__ == "__main__":
    main()
