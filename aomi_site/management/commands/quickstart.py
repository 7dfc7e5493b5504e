"""`manage.py quickstart`: starts a complete server from nothing."""

import os
import signal
from argparse import ArgumentParser
from contextlib import ExitStack
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections

from aomi_site.embedded_model.server import EmbeddedModel
from aomi_site.embedded_model.weights import DOWNLOAD_MB, ModelUnavailableError, install_weights, is_installed
from aomi_site.embedded_postgres.server import stop_if_unused
from aomi_site.processes.network import check_port_is_free
from aomi_site.startup import database, model_choice
from aomi_site.startup.console import Console
from aomi_site.startup.data_folder import claimed
from aomi_site.startup.supervisor import WebServer, watch
from apps_registry.management.base import TeachingCommand
from apps_registry.models import App

HELP = """\
Start everything on this machine and serve until Ctrl-C.

The command starts PostgreSQL in the data folder (unless DATABASE_URL is set), updates the tables, creates the default
App and an operator account if there are none, finds a language model, and serves the API and the admin. When it stops,
it stops everything that it started. Conversations stay in the data folder.

A new default App gets the first model that is available:
  1. the model of OPENAI_API_KEY or OPENAI_BASE_URL (OPENAI_MODEL is its name)
  2. a model of Ollama on this machine
  3. a small embedded model, downloaded once (93 MB)
"""
LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
EXAMPLES = """\
examples:
  python manage.py quickstart
  python manage.py quickstart --port 8080 --workers 4
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
                _run(console, running, WebServer(options["host"], options["port"], options["workers"]))
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


def _run(console: Console, running: ExitStack, web: WebServer) -> None:
    """Start everything, registering with `running` how to stop it, then supervise it."""
    running.enter_context(claimed(settings.DATA_DIR))
    if not settings.DATABASE_URL:
        running.callback(stop_if_unused, settings.DATA_DIR)
    with console.step("Connecting to the database" if settings.DATABASE_URL else "Starting PostgreSQL"):
        database.connect()
    with console.step("Updating the tables"):
        database.migrate()
    model, line = _prepare_model(console, running)
    password = database.ensure_operator()
    connections.close_all()  # from here on only the workers use the database
    running.callback(web.stop)
    running.callback(console.say, "\nStopping ...")
    with console.step("Starting the web server and the embedded model" if model else "Starting the web server"):
        web.launch()
        if model:
            model.wait_until_loaded()
        web.wait_until_ready()
    database_location = "from DATABASE_URL" if settings.DATABASE_URL else "embedded PostgreSQL, in the data folder"
    folder = settings.DATA_DIR.resolve()
    console.banner(url=web.url, model=line, data_dir=folder, password=password, database=database_location)
    watch(web, model, os.getpid(), console.say)


def _prepare_model(console: Console, running: ExitStack) -> tuple[EmbeddedModel | None, str]:
    """Create a missing default App, start the embedded model if an App uses it, and describe the chosen model."""
    app = App.objects.filter(is_default=True).select_related("default_model__provider").first()
    line = model_choice.describe(app) if app else ""
    if not app and (spec := model_choice.configured_model()):
        app, line = spec.seed(), spec.line
    if app and not model_choice.embedded_model_is_used():
        return None, line
    model = _start_embedded_model(console, running)
    embedded = model_choice.embedded_model(model)
    embedded.seed()  # creates the default App, or updates the model's address
    return model, line or embedded.line


def _start_embedded_model(console: Console, running: ExitStack) -> EmbeddedModel:
    if not is_installed(settings.DATA_DIR):
        console.say(f"Downloading the embedded model, once ({DOWNLOAD_MB} MB):")
        install_weights(settings.DATA_DIR)
    model = EmbeddedModel(settings.DATA_DIR)
    running.callback(model.stop)
    model.launch(os.getpid())
    return model
