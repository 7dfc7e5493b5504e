"""`manage.py quickstart` as operators use it: started, used, stopped, killed, and given wrong options."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aomi_site.embedded_model.server import EmbeddedModel
from aomi_site.embedded_model.weights import install_weights, is_installed, weights_path
from aomi_site.processes.local_model import ModelUnavailableError
from tests.docs.markdown import section
from tests.needs import embedded_extra, missing
from tests.patience import scaled

PROJECT = Path(__file__).resolve().parents[2]
# A model that is never called: start-up does not depend on it, and nothing needs to be downloaded.
ELSEWHERE = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_MODEL": "some-model"}


class Quickstart:
    """The command as a child process with a bare environment, its output in a file."""

    def __init__(self, data_dir: Path, *words: str, **environment: str) -> None:
        self.port = free_port()
        self.output = data_dir.with_suffix(".txt")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "quickstart", "--port", str(self.port), *words],
                cwd=PROJECT,
                env=bare_environment(data_dir, **environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Under nohup, tests ignore SIGHUP; a child inherits this, and quickstart respects it.
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_for_banner(self) -> "Quickstart":
        try:
            wait_until(lambda: "curl -X POST" in self.text or self.process.poll() is not None, 60)
            assert self.process.poll() is None, self.text
        except AssertionError:
            self.stop(signal.SIGKILL)
            raise
        return self

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(scaled(40))

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code


@pytest.fixture
def data_dir() -> Iterator[Path]:
    embedded_extra()
    # Not below pytest's own folder: pytest closes that to other users, including the server's.
    parent = Path(tempfile.mkdtemp(prefix="aomi-test-"))
    folder = parent / "data"
    yield folder
    for pid in processes_of(folder):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the embedded model's weights: the project's if it has them, otherwise downloaded ones."""
    embedded_extra()
    if is_installed(PROJECT / "data"):
        return weights_path(PROJECT / "data")
    try:
        return install_weights(tmp_path_factory.mktemp("weights"))
    except ModelUnavailableError as error:
        missing(str(error))


def place_weights(weights: Path, data_dir: Path) -> None:
    """Put the weights where quickstart finds them, as if it had installed them."""
    weights_path(data_dir).parent.mkdir(parents=True)
    shutil.copyfile(weights, weights_path(data_dir))


def bare_environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Return an environment without the settings of the user who runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "PYTHONPYCACHEPREFIX") if name in os.environ}
    return {**kept, "HOME": str(data_dir.parent), "AOMI_DATA_DIR": str(data_dir), **more}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + scaled(seconds)
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def processes_of(data_dir: Path) -> list[int]:
    """Return the processes whose environment or command line names the data folder."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "environ").read_bytes() + b"\0" + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(data_dir) in words:
            pids.append(int(process.name))
    return pids


def fails(data_dir: Path, *words: str, **environment: str) -> str:
    """Run the command, which must fail at once; return its one sentence."""
    done = subprocess.run(
        [sys.executable, "manage.py", "quickstart", *words],
        cwd=PROJECT,
        env=bare_environment(data_dir, **environment),
        check=False,
        capture_output=True,
        text=True,
        timeout=scaled(120),
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert processes_of(data_dir) == []
    return done.stderr.splitlines()[-1]


@pytest.mark.thorough
def test_it_starts_serves_stops_and_starts_again(data_dir: Path) -> None:
    first = Quickstart(data_dir, "--workers", "2", **ELSEWHERE).wait_for_banner()
    assert f"http://127.0.0.1:{first.port}/admin/" in first.text
    assert "some-model (openai): OPENAI_BASE_URL is set" in first.text
    assert re.search(r"user admin, password \S{16} ", first.text)
    assert first.status("/livez") == 200
    assert first.stop() == 0
    assert processes_of(data_dir) == []

    second = Quickstart(data_dir, "--model", "practice").wait_for_banner()
    assert "password" not in second.text
    assert "practice-model (practice): chosen with --model; follows rules and is not a language model" in second.text
    take_the_tour(second, data_dir)
    restart_the_practice_model(second, data_dir)
    assert second.stop(signal.SIGTERM) == 0
    assert processes_of(data_dir) == []


def take_the_tour(running: Quickstart, data_dir: Path) -> None:
    """Run every command of the README's two tours with this server's ports and folders."""
    tour, app_tour = section("README.md", "Five-line tour"), section("README.md", "An App in five minutes")
    commands = re.findall(r"^\$ (.+)$", tour, re.MULTILINE)
    example, prices = data_dir.parent / "mycoindex", str(free_port())
    shutil.copytree(PROJECT / "examples" / "mycoindex", example)
    (example / "mycoindex.yaml").write_text((example / "mycoindex.yaml").read_text().replace("9000", prices))
    _, start_prices, ask = re.findall(r"^```sh\n(.*?)^```", app_tour, re.MULTILINE | re.DOTALL)
    script = "\n".join(["set -e", "trap 'kill $(jobs -p)' EXIT", *commands, start_prices, ask])
    for old, new in (
        ("prices.py &", f"prices.py --port {prices} &"),
        ("examples/mycoindex", str(example)),
        (".venv/bin/python", sys.executable),
        ("127.0.0.1:8000", f"127.0.0.1:{running.port}"),
    ):
        assert old in script
        script = script.replace(old, new)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=PROJECT,
        env=bare_environment(data_dir),
        check=False,
        capture_output=True,
        text=True,
        timeout=scaled(120),
    )
    assert done.returncode == 0, done.stderr
    assert '"title":"What is the capital of Japan?"' in done.stdout
    assert '["default"]' in done.stdout
    assert "Revoked sk-default-" in done.stdout
    assert "The tool get_price answered: symbol ETH, name Ether, usd 3125.5" in done.stdout
    assert '"document": "MyCoin Index"' in done.stdout
    assert '"place": "MyCoin Index > Fees, line 17"' in done.stdout
    assert "practice model" in done.stdout


def restart_the_practice_model(running: Quickstart, data_dir: Path) -> None:
    """Kill the practice model: it starts again, and its log contains no message."""
    (pid,) = (
        pid
        for pid in processes_of(data_dir)
        if b"aomi_site.practice_model" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "The practice model stopped; restarting it." in running.text, 20)
    assert (data_dir / "practice_model.log").read_text() == ""


@pytest.mark.thorough
def test_a_killed_quickstart_leaves_nothing_and_loses_nothing(data_dir: Path) -> None:
    first = Quickstart(data_dir, **ELSEWHERE).wait_for_banner()
    first.process.kill()
    first.process.wait()
    wait_until(lambda: processes_of(data_dir) == [], 40)
    second = Quickstart(data_dir).wait_for_banner()
    assert "your operator account" in second.text
    assert "some-model of openai, set in the App 'default'" in second.text
    assert second.stop(signal.SIGHUP) == 0


@pytest.mark.thorough
def test_it_says_when_the_web_server_ends_and_stops_the_rest(data_dir: Path) -> None:
    running = Quickstart(data_dir, **ELSEWHERE).wait_for_banner()
    bind = f"127.0.0.1:{running.port}".encode()
    for pid in processes_of(data_dir):
        if bind in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    assert running.process.wait(scaled(30)) == 1
    assert "The web server stopped unexpectedly (code -9)" in running.text
    assert "Traceback" not in running.text
    assert processes_of(data_dir) == []


@pytest.mark.thorough
def test_the_killed_database_comes_back_and_a_second_quickstart_is_refused(data_dir: Path) -> None:
    running = Quickstart(data_dir, **ELSEWHERE).wait_for_banner()
    pid_file = data_dir / "postgres" / "postmaster.pid"
    killed = pid_file.read_text().splitlines()[0]
    os.kill(int(killed), signal.SIGKILL)
    wait_until(lambda: pid_file.exists() and pid_file.read_text().splitlines()[0] != killed, 15)
    wait_until(lambda: running.status("/readyz") == 200, 10)
    command = [sys.executable, "manage.py", "quickstart", "--port", str(free_port())]
    environment = bare_environment(data_dir)
    second = subprocess.run(command, cwd=PROJECT, env=environment, check=False, capture_output=True, text=True)
    assert second.returncode == 1
    assert "Another quickstart is running with the data folder" in second.stderr
    assert running.stop() == 0


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (["--port", "0"], {}, "--port 0 is not a port"),
        (["--workers", "0"], {}, "--workers 0 is not possible"),
        (["--host", "no.such.host.invalid"], {}, "is not an address of this machine"),
        ([], {"OPENAI_BASE_URL": "localhost/v1"}, "OPENAI_BASE_URL is 'localhost/v1'"),
        (
            [],
            {"DATABASE_URL": "postgresql://someone:canary@127.0.0.1:9/name"},
            "PostgreSQL at 127.0.0.1:9 (from DATABASE_URL) cannot be used: Connection refused",
        ),
        pytest.param(
            [],
            {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull},
            "The embedded model could not be downloaded",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(
    data_dir: Path, words: list[str], environment: dict[str, str], sentence: str
) -> None:
    message = fails(data_dir, "--port", str(free_port()), *words, **environment)
    assert sentence in message
    assert "canary" not in message
    if (data_dir / "models").exists():
        assert list((data_dir / "models").iterdir()) == []


def test_a_port_in_use_is_noticed_before_anything_starts(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        message = fails(data_dir, "--port", str(port))
    assert f"Port {port} on 127.0.0.1 is in use by another program" in message
    assert not (data_dir / "postgres").exists()


@contextmanager
def running_model(data_dir: Path) -> Iterator[EmbeddedModel]:
    model = EmbeddedModel(data_dir)
    try:
        model.launch(os.getpid())
        model.wait_until_loaded()
        yield model
    finally:
        model.stop()


@pytest.mark.thorough
@pytest.mark.embedded_model
def test_the_embedded_model_keeps_prompts_to_itself(data_dir: Path, weights: Path) -> None:
    """No prompt in its log, no page that shows running prompts, no answer for websites in a browser."""
    place_weights(weights, data_dir)
    with running_model(data_dir) as model:
        body = {"messages": [{"role": "user", "content": "canary words"}], "max_tokens": 4}
        call = urllib.request.Request(
            f"{model.base_url}/chat/completions",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Origin": "http://website.example"},
        )
        with urllib.request.urlopen(call, timeout=30) as response:
            assert json.load(response)["choices"][0]["message"]["content"]
            assert response.headers["Access-Control-Allow-Origin"] not in ("*", "http://website.example")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{model.port}/slots", timeout=5)
        refused.value.close()
        assert refused.value.code == 501
    assert "canary" not in model.log.read_text()
    assert not model.is_running()


@pytest.mark.thorough
@pytest.mark.embedded_model
def test_the_printed_call_is_answered_by_the_embedded_model(data_dir: Path, weights: Path) -> None:
    place_weights(weights, data_dir)
    # A proxy that does not exist: programs on this machine are not called through a proxy.
    running = Quickstart(data_dir, HTTP_PROXY="http://127.0.0.1:9").wait_for_banner()
    match = re.search(r'^curl -X POST "(\S+)" -H "X-Session-Id: (\S+)"$', running.text, re.MULTILINE)
    assert match
    call = urllib.request.Request(match[1], method="POST", headers={"X-Session-Id": match[2]})
    with urllib.request.urlopen(call, timeout=60) as response:
        snapshot = json.load(response)
    assert snapshot["status"] == "idle"
    assert [message["sender"] for message in snapshot["messages"]] == ["user", "agent"]
    assert snapshot["messages"][1]["content"].strip()
    assert "capital" not in (data_dir / "embedded_model.log").read_text()
    assert running.stop() == 0
    assert processes_of(data_dir) == []
