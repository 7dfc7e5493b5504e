"""gunicorn's configuration; `-c aomi_site/gunicorn_config.py`. Command-line options override it."""

import gc
import importlib
import os
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from aomi_site.environment import Environment
from aomi_site.health import metric_files
from apps_registry.support.descriptors import raise_limit

env = Environment()
worker_class = "aomi_site.worker.AomiWorker"
try:
    workers = env.whole_number("WEB_CONCURRENCY", 1)
except ImproperlyConfigured as error:
    raise SystemExit(f"Error: {error}") from None
bind = os.environ.get("BIND", "127.0.0.1:8000")
# After SIGTERM, running turns get this long, which is more than SHUTDOWN_GRACE_SECONDS.
graceful_timeout = 30
timeout = 60
keepalive = 75
# The application is loaded once, before forking: reloaded workers would run the old code with new settings.
NO_RELOAD = "SIGHUP does not reload: settings and code are read at start. Restart the server instead."
# gunicorn's own access log would print the query string, which holds messages.
accesslog = None
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL", "info").lower()
control_socket_disable = True
# Each worker counts in a file in this folder; the worker that serves /metrics adds them up.
metrics_lock = metric_files.make_folder()


def on_starting(server: Any) -> None:
    """Check the settings and load the application once for all workers.

    Otherwise each worker would fail separately, and import the same modules; forked workers share the memory of
    loaded code. gunicorn's own preload_app runs too early to report invalid settings in one sentence.
    """
    server.handle_hup = lambda: server.log.warning(NO_RELOAD)
    gc.disable()  # modules keep their objects, and looking for garbage in them takes a sixth of the start-up time
    try:
        importlib.import_module("aomi_site.asgi")
        importlib.import_module(_settings().ROOT_URLCONF)
    except ImproperlyConfigured as error:
        raise SystemExit(f"Error: {error}") from None
    raise_limit()
    gc.freeze()  # a collection would write to the shared pages
    gc.enable()


def child_exit(server: object, worker: Any) -> None:
    """Remove the files of a worker that ended."""
    metric_files.forget_process(worker.pid)


def on_exit(server: object) -> None:
    """Remove the metric files; stop the embedded PostgreSQL if no other process uses it.

    Workers cannot do this: a signal ends them.
    """
    metric_files.remove_folder()
    from aomi_site.embedded_postgres.server import stop_if_unused

    settings = _settings()
    if not settings.DATABASE_URL:
        stop_if_unused(settings.DATA_DIR)


def _settings() -> Any:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
    from django.conf import settings

    settings.INSTALLED_APPS  # noqa: B018 - reads them all
    return settings
