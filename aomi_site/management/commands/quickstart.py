"""`manage.py quickstart`: starts a complete server from nothing."""

import os
import signal
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import ExitStack
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections

from aomi_site.embedded_postgres.server import stop_if_unused
from aomi_site.processes.local_model import LocalModel, ModelUnavailableError
from aomi_site.processes.network import check_port_is_free
from aomi_site.startup import database, model_choice
from aomi_site.startup.console import Console
from aomi_site.startup.data_folder import claimed
from aomi_site.startup.local_models import prepare
from aomi_site.startup.supervisor import WebServer, watch
from apps_registry.management.base import TeachingCommand
from apps_registry.services.seed import LOCAL_PROVIDERS

HELP = """\
Start everything on this machine and serve until Ctrl-C.

The command starts PostgreSQL in the data folder (unless DATABASE_URL is set), updates the tables, creates the default
App and an operator account if there are none, finds a language model, and serves the API and the admin. When it stops,
it stops everything that it started. Conversations stay in the data folder.

A new default App gets the first model that is available:
  1. the model of OPENAI_API_KEY or OPENAI_BASE_URL (OPENAI_MODEL is its name)
  2. a model of Ollama on this machine
  3. a small embedded model, downloaded once (93 MB); it calls no tools

To try tools, documents and confirmations without an account, use --model practice: a program that follows rules
instead of a language model. It calls the tools that a message names and cites documents, and needs no download.
"""
LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
EXAMPLES = """\
examples:
  python manage.py quickstart
  python manage.py quickstart --port 8080 --workers 4
  python manage.py quickstart --model practice
  OPENAI_API_KEY=... OPENAI_MODEL=gpt-4o-mini python manage.py quickstart
  AOMI_DATA_DIR=/srv/aomi DATABASE_URL=postgresql://user:password@db:5432/aomi python manage.py quickstart
"""


class Command(TeachingCommand):
    """Starts the components in order and stops them in reverse order."""

    help = HELP
    examples = EXAMPLES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the address and the number of processes."""
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="the TCP port to listen on (default: %(default)s)")
        parser.add_argument(
            "--workers", type=int, default=1, help="the number of server processes (default: %(default)s)"
        )
        parser.add_argument(
            "--model",
            choices=LOCAL_PROVIDERS,
            help="run this model on this machine, and make it the model of the default App",
        )

    def handle(self, *_args: object, **options: Any) -> None:
        """Serve until a signal or a failure; a failure prints one sentence and ends with exit code 1."""
        _check(options)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if (
                number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
            ):  # nohup ignores SIGHUP, and that must not change
                signal.signal(number, _interrupt)
        console = Console(self.stdout)
        try:
            with ExitStack() as running:
                web = WebServer(options["host"], options["port"], options["workers"])
                _run(console, running, web, options["model"])
        except ModelUnavailableError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            console.say("Stopped.")


def _check(options: dict[str, Any]) -> None:
    if not settings.IS_LOCAL:
        raise CommandError(
            "quickstart does not run with AOMI_ENV=production; run gunicorn instead, as docs/operating.md describes."
        )
    if not 1 <= options["port"] <= 65535:
        raise CommandError(f"--port {options['port']} is not a port; it must be between 1 and 65535.")
    if not 1 <= options["workers"] <= 64:
        raise CommandError(f"--workers {options['workers']} is not possible; it must be between 1 and 64.")
    model_choice.openai_url()
    check_port_is_free(options["host"], options["port"])
    if options["host"] not in LOOPBACK and settings.ALLOWED_HOSTS == LOOPBACK:
        raise CommandError(
            f"--host {options['host']} can be reached from other machines: set ALLOWED_HOSTS to the names that they "
            "use for this server."
        )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(console: Console, running: ExitStack, web: WebServer, choice: str | None) -> None:
    """Start everything, register with `running` how to stop it, then supervise it."""
    running.enter_context(claimed(settings.DATA_DIR))
    if not settings.DATABASE_URL:
        running.callback(stop_if_unused, settings.DATA_DIR)
    with console.step("Connecting to the database" if settings.DATABASE_URL else "Starting PostgreSQL"):
        database.connect()
    with console.step("Updating the tables"):
        database.migrate()
    models, line = prepare(console, running, choice)
    password = database.ensure_operator()
    connections.close_all()  # from here on only the workers use the database
    running.callback(web.stop)
    running.callback(console.say, "\nStopping ...")
    with console.step(f"Starting {_all_of(models)}"):
        web.launch()
        for model in models:
            model.wait_until_loaded()
        web.wait_until_ready()
    database_location = "from DATABASE_URL" if settings.DATABASE_URL else "embedded PostgreSQL, in the data folder"
    folder = settings.DATA_DIR.resolve()
    console.banner(url=web.url, model=line, data_dir=folder, password=password, database=database_location)
    watch(web, models, os.getpid(), console.say)


def _all_of(models: Sequence[LocalModel]) -> str:
    return " and ".join(["the web server", *(f"the {model.title}" for model in models)])
