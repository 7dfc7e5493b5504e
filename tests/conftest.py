"""What tests share: a Postgres of their own, the product served on it, scripted models, a browser."""

import functools
import os
import shutil
import subprocess
import tempfile
import urllib.parse
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

# Without a DATABASE_URL the tests bring up a Postgres of their own in a folder that goes with them. A process of a
# parallel run uses that of the process that started it, with which pytest-django has read the settings already.
_is_alone = "PYTEST_XDIST_WORKER" not in os.environ
_data = tempfile.mkdtemp(prefix="aomi-tests-") if _is_alone else os.environ["AOMI_DATA_DIR"]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aomi_site.settings")
os.environ["AOMI_ENV"] = "local"
os.environ["AOMI_DATA_DIR"] = _data

import django  # noqa: E402

django.setup()

import pytest  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402
from pytest_django.plugin import DjangoDbBlocker  # noqa: E402

from apps_registry.models import App, Model  # noqa: E402
from apps_registry.services.seed import seed_default_app  # noqa: E402
from tests import factories  # noqa: E402
from tests.client import Client  # noqa: E402
from tests.commands import Result, run_manage  # noqa: E402
from tests.model_server import ModelServer, ScriptedModel  # noqa: E402
from tests.needs import missing  # noqa: E402
from tests.pooler import PGBOUNCER, Pooler  # noqa: E402
from tests.product import Server, free_port, start_server  # noqa: E402
from tests.upstream import Upstream, echo  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FAST_TIMEOUTS = {
    "MODEL_FIRST_TOKEN_TIMEOUT_SECONDS": "1.5",
    "MODEL_LOCAL_FIRST_TOKEN_TIMEOUT_SECONDS": "1.5",
    "MODEL_GAP_TIMEOUT_SECONDS": "1.5",
    "TURN_TIMEOUT_SECONDS": "4",
    "TURN_LEASE_SECONDS": "3",
    "SHUTDOWN_GRACE_SECONDS": "3",
    "METRICS_TOKEN": "metrics-token-of-the-tests",
}


SLOW_FOLDERS = ("faults", "aomi_site", "retrieval", "admin")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders of slow tests first: processes that share the files then come to an end together."""
    items.sort(key=lambda item: not set(item.path.parts).intersection(SLOW_FOLDERS))


def pytest_unconfigure() -> None:
    if _is_alone:
        shutil.rmtree(_data, ignore_errors=True)


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    server = ModelServer()
    yield server
    server.stop()


@pytest.fixture(scope="session", autouse=True)
def database(django_db_blocker: DjangoDbBlocker, model_server: ModelServer) -> Iterator[str]:
    """A migrated test database with its default App, open to every test; yields its address.

    The product reads it from processes of its own, so no test runs inside a transaction.
    """
    # Each process of a parallel run has a database of its own.
    connection.settings_dict["TEST"]["NAME"] = f"test_aomi_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with django_db_blocker.unblock():
        created = setup_databases(verbosity=0, interactive=False)
        seed_default_app(
            provider_slug="scripted",
            base_url=model_server.base_url,
            api_key="",
            model_name="scripted-default",
            provider_model_id="scripted-default",
            context_window=128_000,
            supports_tools=True,
        )
        App.objects.update(makes_titles=False, summarises_history=False, reply_wait_seconds=30)  # see make_app
        yield database_url()
        teardown_databases(created, verbosity=0)


def database_url() -> str:
    """The address of the test database, for other processes."""
    parameters = connection.get_connection_params()
    user = urllib.parse.quote(str(parameters.get("user", "")))
    password = urllib.parse.quote(str(parameters.get("password", "")))
    host, port = str(parameters.get("host", "")), parameters.get("port") or 5432
    query = f"?host={urllib.parse.quote(host, safe='')}" if host.startswith("/") else ""
    netloc = "" if query else f"{host}:{port}"
    return f"postgresql://{user}:{password}@{netloc}/{parameters['dbname']}{query}"


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of the tests' own."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("no Redis on this machine (Debian: apt-get install redis-server)")
    port = free_port()
    command = [
        program,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(tmp_path_factory.mktemp("redis")),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        yield f"redis://127.0.0.1:{port}/0"
        process.terminate()


@pytest.fixture(scope="session")
def pooler(database: str) -> Iterator[Pooler]:
    """A pgbouncer before the test database."""
    if PGBOUNCER is None:
        missing("no pgbouncer on this machine (Debian: apt-get install pgbouncer)")
    folder = Path(tempfile.mkdtemp(prefix="pooler-", dir=_data))
    folder.chmod(0o755)
    running = Pooler(database, folder)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def environment(database: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of a product on the test database; with TESTS_THROUGH_POOLER=1, behind a pgbouncer."""
    keys = ",".join(settings.SECRETS_KEYS)  # what tests store, the product reads
    addresses = {"DATABASE_URL": database}
    if os.environ.get("TESTS_THROUGH_POOLER") == "1":
        addresses = {"DATABASE_URL": request.getfixturevalue("pooler").url, "DATABASE_DIRECT_URL": database}
    return {
        "AOMI_ENV": "local",
        "AOMI_DATA_DIR": _data,
        **addresses,
        "TMPDIR": _data,  # servers that a test kills leave their counters there
        "SECRETS_KEYS": keys,
        **FAST_TIMEOUTS,
    }


@pytest.fixture(scope="session")
def server(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The product with two workers, shared by all tests that do it no harm."""
    running = start_server(tmp_path_factory.mktemp("server") / "log", environment)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log, running.log[-5000:]


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a product of the test's own, which the test may harm: start(workers=1, NAME="value")."""
    started: list[Server] = []

    def start_one(*, workers: int = 1, port: int | None = None, ulimit: str | None = None, **more: str) -> Server:
        log, full = tmp_path / "server.log", {**environment, **more}
        running = start_server(log, full, workers=workers, port=port, ulimit=ulimit)
        started.append(running)
        return running

    yield start_one
    for running in started:
        if running.process.poll() is None:
            running.kill()


@pytest.fixture
def manage(environment: dict[str, str]) -> Callable[..., Result]:
    """Runs manage.py on the test database: manage("list_keys", "--json")."""
    return functools.partial(run_manage, environment=environment)


@pytest.fixture(scope="session")
def empty_template(environment: dict[str, str], database: str) -> Iterator[str]:
    """The name of a migrated database without a row in it, for copying."""
    name = f"{connection.settings_dict['NAME']}_empty"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    done = run_manage("migrate", "-v0", environment={**environment, "DATABASE_URL": _beside(database, name)})
    assert done.code == 0, done.err
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def manage_empty(environment: dict[str, str], database: str, empty_template: str) -> Iterator[Callable[..., Result]]:
    """Runs manage.py on a migrated database of the test's own, without a row in it."""
    name = factories.unique("empty").replace("-", "_")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {empty_template}")
    no_models = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": "", "NO_PROXY": "127.0.0.1"}
    ours = {**environment, **no_models, "DATABASE_URL": _beside(database, name)}
    yield functools.partial(run_manage, environment=ours)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _beside(database: str, name: str) -> str:
    """The address of another database on the same server."""
    return database.replace(f"/{connection.settings_dict['NAME']}", f"/{name}")


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """A client without a key, with a session of its own."""
    with Client(server.url) as one:
        yield one


@pytest.fixture
def app(model_server: ModelServer) -> App:
    return factories.make_app(base_url=model_server.base_url)


@pytest.fixture
def other_app(model_server: ModelServer) -> App:
    """An App that is none of the caller's business."""
    return factories.make_app(base_url=model_server.base_url)


@pytest.fixture
def app_client(server: Server, app: App) -> Iterator[Client]:
    """A client with a key for `app`, with a session of its own."""
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as one:
        yield one


@pytest.fixture
def model(app: App, model_server: ModelServer) -> ScriptedModel:
    """The default model of `app`."""
    return ScriptedModel(model_server, app.default_model.provider_model_id)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A server that tools call; it echoes until the test says otherwise."""
    running = Upstream(echo)
    yield running
    running.stop()


@pytest.fixture
def default_model(model_server: ModelServer) -> Model:
    return App.objects.get(is_default=True).default_model


@dataclass
class Operator:
    """Somebody who may use the admin."""

    username: str
    password: str


@pytest.fixture
def operator() -> Operator:
    password = "correct horse battery staple"
    return Operator(factories.make_operator(password=password).username, password)


@pytest.fixture
def browser(server: Server) -> Iterator["Browser"]:
    """Headless Chromium, beside which tests may use the ORM.

    Playwright's synchronous face keeps an event loop in this thread, in which Django refuses blocking queries,
    and keeps a database connection apart from the one outside the loop; so it lives for one test only. The server
    comes first: its processes shall not inherit the permission.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield chromium
        connections.close_all()
        chromium.close()


@pytest.fixture
def browser_page(browser: "Browser") -> Iterator["Page"]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the server's log beside a failure."""
    report = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(running, Server):
        report.sections.append(("Server log, last lines", running.log[-4000:]))
    return report
