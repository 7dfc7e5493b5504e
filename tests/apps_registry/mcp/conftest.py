"""A real MCP server process, and an App that can use it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from apps_registry.models import App, Secret
from apps_registry.models.mcp import McpServer
from tests.apps_registry.mcp.server_token import TOKEN
from tests.patience import scaled
from tests.product import free_port
from tests.root import ROOT


class RunningServer:
    """The tests' MCP server, which can be replaced by its next version at the same address."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, version: str = "1") -> None:
        command = [sys.executable, "-m", "tests.apps_registry.mcp.server", str(self.port), version]
        self._process = subprocess.Popen(command, cwd=ROOT)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("the MCP server did not start")

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)


@pytest.fixture(scope="module")
def remote() -> Iterator[RunningServer]:
    running = RunningServer()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def mcp_server(app: App, remote: RunningServer) -> McpServer:
    """The tests' server as an MCP server of the App, which is allowed to call it and has its token."""
    App.objects.filter(pk=app.pk).update(allowed_hosts=f"127.0.0.1:{remote.port}")
    secret = Secret(app=app, name="MCP_TOKEN", hosts=f"127.0.0.1:{remote.port}")
    secret.set_value(TOKEN)
    secret.save()
    return make_server(app, remote)


def make_server(app: App, remote: RunningServer, **overrides: Any) -> McpServer:
    headers = {"Authorization": "Bearer {{ secrets.MCP_TOKEN }}"}
    fields = {
        "app": app,
        "slug": "px",
        "url": remote.url,
        "headers": headers,
        "timeout_seconds": scaled(5),
        **overrides,
    }
    server = McpServer(**fields)
    server.full_clean()
    server.save()
    return server
