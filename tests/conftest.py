"""Fixtures for all tests. Those under tests/unit run without Django's apps and a database; all others use both."""

import gc
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.patience import measure
from tests.run_folder import RunFolder

# This must happen before Django reads its settings, and before any process starts.
run_folder = RunFolder()
measure()
# Nothing that collection makes is garbage: looking for some takes a quarter of its time.
gc.disable()

import pytest  # noqa: E402

from tests.client import Client  # noqa: E402
from tests.model_server import ModelServer, ScriptedModel  # noqa: E402
from tests.product import Server  # noqa: E402

if TYPE_CHECKING:
    from apps_registry.models import App, Model

pytest_plugins = ["tests.fixtures.browser", "tests.fixtures.database", "tests.fixtures.servers"]
UNIT = Path(__file__).parent / "unit"
SLOW_FOLDERS = ("faults", "aomi_site", "retrieval", "admin")


def pytest_collection(session: pytest.Session) -> None:
    """Set the settings module, which loads when a test needs it, and choose Hypothesis's profile."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "aomi_site.settings"
    from tests.made_examples import set_profile

    set_profile(is_daily=_is_daily(session.config))


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "run the whole suite, including the tests marked `thorough`; naming files or folders also includes them"
    parser.addoption("--thorough", action="store_true", help=text)


def _is_daily(config: pytest.Config) -> bool:
    """Return whether the run leaves out what only CI needs: it names no files, and does not ask for everything."""
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("--thorough")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the thorough tests if no one asks for them, and put the folders with slow tests first.

    So the parallel processes finish at about the same time.
    """
    if _is_daily(config):
        left_out = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    items.sort(key=lambda item: not set(item.path.parts).intersection(SLOW_FOLDERS))


def pytest_collection_finish() -> None:
    """Collect garbage again, but not among the modules and tests, which stay."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    run_folder.remove()


@pytest.fixture(autouse=True)
def _database_for_all_but_unit_tests(request: pytest.FixtureRequest) -> None:
    if not request.path.is_relative_to(UNIT):
        request.getfixturevalue("database")


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """A client without a key, in a new session."""
    with Client(server.url) as api_client:
        yield api_client


@pytest.fixture
def app(database: str, model_server: ModelServer) -> "App":
    from tests import factories

    return factories.make_app(base_url=model_server.base_url)


@pytest.fixture
def other_app(database: str, model_server: ModelServer) -> "App":
    """An App to which the caller has no access."""
    from tests import factories

    return factories.make_app(base_url=model_server.base_url)


@pytest.fixture
def app_client(server: Server, app: "App") -> Iterator[Client]:
    """A client with a key for `app`, in a new session."""
    from tests import factories

    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as api_client:
        yield api_client


@pytest.fixture
def model(app: "App", model_server: ModelServer) -> ScriptedModel:
    """The default model of `app`."""
    return ScriptedModel(model_server, app.default_model.provider_model_id)


@pytest.fixture
def default_model(database: str) -> "Model":
    from apps_registry.models import App

    return App.objects.get(is_default=True).default_model


@dataclass
class Operator:
    """A user of the admin."""

    username: str
    password: str


@pytest.fixture
def operator(database: str) -> Operator:
    from tests import factories

    password = "correct horse battery staple"
    return Operator(factories.make_operator(password=password).username, password)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the server's log with a failure."""
    report = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(running, Server):
        report.sections.append(("Server log, last lines", running.log[-4000:]))
    return report
