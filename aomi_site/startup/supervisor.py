"""Runs gunicorn, and the local models that Apps use, until told to stop."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from aomi_site.embedded_postgres.server import ensure_running
from aomi_site.processes.child import python_environment, stop_child, tied_to_this_process
from aomi_site.processes.local_model import LocalModel, ModelUnavailableError
from aomi_site.processes.network import answers, url_host, wait_until

READY_SECONDS = 60
# gunicorn waits SHUTDOWN_GRACE_SECONDS for turns; this is added to that.
STOP_MARGIN_SECONDS = 5
RESTART_PAUSE_SECONDS = 2


class WebServer:
    """gunicorn as a child process in its own session, so that Ctrl-C reaches only this process."""

    def __init__(self, host: str, port: int, workers: int) -> None:
        """Prepare the server without starting it.

        Args:
            host: the address to listen on.
            port: its TCP port.
            workers: the number of processes.
        """
        self.host, self.port, self.workers = host, port, workers
        self.url = f"http://{url_host(host)}:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start the server; its workers load in the background."""
        bind = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        config = str(settings.BASE_DIR / "aomi_site" / "gunicorn_config.py")
        command = [sys.executable, "-m", "gunicorn", "-c", config, "aomi_site.asgi:application"]
        command += ["--bind", bind, "--workers", str(self.workers)]
        if "LOG_LEVEL" not in os.environ:
            command += ["--log-level", "warning"]  # the banner replaces its start-up messages
        self.process = subprocess.Popen(  # noqa: S603
            tied_to_this_process(command),
            cwd=settings.BASE_DIR,
            # It runs in the project's folder, so a relative path would mean another file.
            env={
                **python_environment(),
                **_proxy_bypass(),
                "AOMI_ENV": "local",
                "AOMI_DATA_DIR": str(settings.DATA_DIR.resolve()),
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait_until_ready(self) -> None:
        """Wait until the server responds.

        Raises:
            CommandError: it ended, or did not respond in time.
        """
        url = f"{self.url}/livez"
        answered = wait_until(lambda: self.exit_code() is not None or answers(url), READY_SECONDS)
        if self.exit_code() is not None:
            raise CommandError(f"The web server stopped (code {self.exit_code()}); its messages are above.")
        if not answered:
            raise CommandError(f"The web server did not respond at {url} within {READY_SECONDS} s.")

    def exit_code(self) -> int | None:
        """Return the exit code once the server has ended, else None."""
        return self.process.poll() if self.process else None

    def stop(self) -> None:
        """Stop the server, letting running turns finish."""
        if self.process is not None:
            stop_child(self.process, seconds=settings.SHUTDOWN_GRACE_SECONDS + STOP_MARGIN_SECONDS)


def _proxy_bypass() -> dict[str, str]:
    """Return variables that bypass the environment's proxies for models on this machine."""
    no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    hosts = ",".join(filter(None, [no_proxy, "127.0.0.1", "localhost", "::1"]))
    return {"no_proxy": hosts, "NO_PROXY": hosts}


def watch(web: WebServer, models: Sequence[LocalModel], parent: int, say: Callable[[str], None]) -> None:
    """Keep everything running; this never returns, it only raises.

    Args:
        web: a running server; when it ends, this process ends.
        models: running models; one that ends is restarted on the same port.
        parent: the id of this process.
        say: prints a line.

    Raises:
        CommandError: the web server ended.
    """
    while True:
        time.sleep(0.5)
        if web.exit_code() is not None:
            raise CommandError(f"The web server stopped unexpectedly (code {web.exit_code()}); its messages are above.")
        for model in models:
            if not model.is_running():
                say(f"The {model.title} stopped; restarting it.")
                _start_again(model, parent, say)
        if not settings.DATABASE_URL:
            _revive_database(say)


def _start_again(model: LocalModel, parent: int, say: Callable[[str], None]) -> None:
    time.sleep(RESTART_PAUSE_SECONDS)
    try:
        model.launch(parent)
        model.wait_until_loaded()
    except ModelUnavailableError as error:
        say(str(error))


def _revive_database(say: Callable[[str], None]) -> None:
    """Restart the embedded PostgreSQL if it was killed; workers reconnect automatically."""
    try:
        ensure_running(settings.DATA_DIR)
    except ImproperlyConfigured as error:
        say(str(error))
        time.sleep(RESTART_PAUSE_SECONDS)
