"""The next run removes what a killed test run has left; a live run keeps its folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import run_folder
from tests.root import ROOT
from tests.run_folder import OWNER, PREFIX
from tests.waiting import wait_until

RUN = """
import subprocess
from tests.run_folder import RunFolder
folder = RunFolder()
print(subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL).pid, flush=True)
input()
folder.remove()
"""


class Run:
    """A run in a separate process, with a program that it has started."""

    def __init__(self, temporary: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
        environment["TMPDIR"] = str(temporary)
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.started = int(self.process.stdout.readline())

    def end(self, *, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        self.process.communicate(b"\n")

    def has_left_a_program(self) -> bool:
        status = Path(f"/proc/{self.started}/status")
        return status.exists() and "State:\tZ" not in status.read_text()


def test_the_next_run_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    killed, alive = Run(tmp_path), Run(tmp_path)
    (foreign := tmp_path / f"{PREFIX}without-an-owner").mkdir()
    killed.end(kill=True)
    assert killed.has_left_a_program()
    following = Run(tmp_path)
    wait_until(lambda: not killed.has_left_a_program())
    assert alive.has_left_a_program()
    assert following.has_left_a_program()
    assert len(list(tmp_path.glob(f"{PREFIX}*"))) == 3
    for run in (alive, following):
        run.end()
    wait_until(lambda: not alive.has_left_a_program() and not following.has_left_a_program())
    assert list(tmp_path.glob(f"{PREFIX}*")) == [foreign]


def test_what_a_run_could_not_remove_is_removed_by_a_later_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"{PREFIX}of-a-dead-run"
    (folder / "in-use").mkdir(parents=True)
    (folder / OWNER).touch()
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        run_folder.remove_dead_runs(tmp_path)
    assert (folder / "in-use").exists()
    run_folder.remove_dead_runs(tmp_path)
    assert not folder.exists()
