"""Metrics are added up over all workers, including stopped ones; SIGHUP reloads nothing."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.client import Client
from tests.product import Server
from tests.waiting import wait_until

TOKEN = {"Authorization": "Bearer metrics-token-of-the-tests"}


def sample(server: Server, name: str) -> float:
    """The value of one sample, 0 when there is none."""
    lines = server.get("/metrics", headers=TOKEN).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.rsplit(" ", 1)[0] == name)


def workers(server: Server) -> set[int]:
    return {child.pid for child in psutil.Process(server.process.pid).children()}


def folders(temporary: Path) -> list[Path]:
    return sorted(temporary.glob("aomi-metrics-*"))


def test_counts_outlive_workers_and_files_do_not(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(workers=2, TMPDIR=str(tmp_path))
    (folder,) = folders(tmp_path)
    with Client(server.url) as client:
        client.chat("Hi")
        for _ in range(4):
            assert client.request("GET", "/api/state", headers={"X-Session-Id": "no"}).status_code == 400
    turns = 'aomi_turns_total{outcome="completed"}'
    refusals = 'aomi_refusals_total{code="invalid_request",status="400"}'
    wait_until(lambda: sample(server, turns) == 1)
    assert sample(server, refusals) == 4
    wait_until(lambda: sample(server, 'aomi_bus_hears{bus="postgres"}') == 1)
    before = workers(server)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(workers(server) - before) == 2 and not workers(server) & before, seconds=60)
    wait_until(lambda: server.get("/livez").status_code == 200, seconds=60)
    assert (sample(server, turns), sample(server, refusals)) == (1, 4)
    assert not [file for file in folder.iterdir() for pid in before if f"_{pid}." in file.name]


def test_the_next_start_removes_a_killed_servers_folder(start: Callable[..., Server], tmp_path: Path) -> None:
    killed = start(TMPDIR=str(tmp_path))
    (left,) = folders(tmp_path)
    killed.kill()
    assert folders(tmp_path) == [left]
    alive = start(TMPDIR=str(tmp_path))
    (own,) = folders(tmp_path)
    assert own != left
    start(TMPDIR=str(tmp_path))
    assert own in folders(tmp_path), "it removed the folder of a running server"
    assert alive.stop() == 0
    assert own not in folders(tmp_path)


def test_sighup_is_refused_with_a_sentence(start: Callable[..., Server]) -> None:
    server = start()
    before = workers(server)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "SIGHUP does not reload" in server.log)
    (worker,) = before
    os.kill(worker, signal.SIGHUP)
    wait_until(lambda: "A worker does not reload" in server.log)
    assert workers(server) == before
    assert server.get("/livez").status_code == 200
