"""The product as in production: gunicorn in a separate process."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests import preloaded
from tests.patience import scaled
from tests.root import ROOT

# Nothing here uses TLS, and loading the machine's certificates takes 40 ms per client.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running product."""

    port: int
    process: subprocess.Popen[bytes] | preloaded.Program
    log_path: Path
    environment: Mapping[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return httpx2.get(f"{self.url}{path}", verify=NO_TLS, **more)

    def kill(self) -> None:
        """Send SIGKILL, to the workers first."""
        import psutil

        parent = psutil.Process(self.process.pid)
        for process in [*parent.children(recursive=True), parent]:
            process.kill()
        self.process.wait(scaled(10))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(scaled(40))


def _scaled(name: str, value: str) -> str:
    return f"{scaled(float(value)):g}" if name.endswith("_SECONDS") else value


def _start_gunicorn(
    words: list[str], log_path: Path, environment: Mapping[str, str], ulimit: str | None
) -> subprocess.Popen[bytes] | preloaded.Program:
    full = {**os.environ, **environment}
    with log_path.open("ab") as log:
        if not ulimit and preloaded.can_start(environment):
            return preloaded.start(words, full, out=log, err=log)
        shell = ["sh", "-c", f'ulimit {ulimit} && exec "$@"', "sh"] if ulimit else []
        return subprocess.Popen(
            [*shell, sys.executable, *words], cwd=ROOT, env=full, stdout=log, stderr=subprocess.STDOUT
        )


def start_server(
    log_path: Path,
    environment: Mapping[str, str],
    *,
    workers: int = 2,
    port: int | None = None,
    ulimit: str | None = None,
) -> Server:
    """Start gunicorn, with an open file limit such as `-n 256`, and wait until it responds."""
    port = port or free_port()
    words = ["-m", "gunicorn", "-c", "aomi_site/gunicorn_config.py", "aomi_site.asgi:application"]
    words += ["--bind", f"127.0.0.1:{port}", "--workers", str(workers)]
    scaled_environment = {name: _scaled(name, value) for name, value in environment.items()}
    process = _start_gunicorn(words, log_path, scaled_environment, ulimit)
    server = Server(port, process, log_path, environment)
    deadline = time.monotonic() + scaled(120)  # a busy machine starts slowly
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if server.get("/readyz", timeout=scaled(2)).status_code == 200:
                return server
        except httpx2.TransportError:
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"the server did not start:\n{server.log[-3000:]}")
