"""What tests share. Those under tests/unit run without Django's apps and without a database; all others have both."""

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.patience import measure
from tests.run_folder import RunFolder

# Before Django reads its settings, and before any process is started.
run_folder = RunFolder()
measure()

import pytest  # noqa: E402

from tests.client import Client  # noqa: E402
from tests.model_server import ModelServer, ScriptedModel  # noqa: E402
from tests.product import Server  # noqa: E402

if TYPE_CHECKING:
    from apps_registry.models import App, Model

pytest_plugins = ["tests.fixtures.browser", "tests.fixtures.database", "tests.fixtures.servers"]
UNIT = Path(__file__).parent / "unit"
SLOW_FOLDERS = ("faults", "aomi_site", "retrieval", "admin")


def pytest_collection() -> None:
    """Name Django's settings, which load when a test asks for one, and choose Hypothesis's."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "aomi_site.settings"
    from hypothesis import settings

    settings.register_profile("patient", deadline=None)  # its 200 ms an example are those of an idle machine
    settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders of slow tests first: processes that share the files then come to an end together."""
    items.sort(key=lambda item: not set(item.path.parts).intersection(SLOW_FOLDERS))


def pytest_unconfigure() -> None:
    run_folder.remove()


@pytest.fixture(autouse=True)
def _database_for_all_but_unit_tests(request: pytest.FixtureRequest) -> None:
    if not request.path.is_relative_to(UNIT):
        request.getfixturevalue("database")


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """A client without a key, with a session of its own."""
    with Client(server.url) as one:
        yield one


@pytest.fixture
def app(database: str, model_server: ModelServer) -> "App":
    from tests import factories

    return factories.make_app(base_url=model_server.base_url)


@pytest.fixture
def other_app(database: str, model_server: ModelServer) -> "App":
    """An App that is none of the caller's business."""
    from tests import factories

    return factories.make_app(base_url=model_server.base_url)


@pytest.fixture
def app_client(server: Server, app: "App") -> Iterator[Client]:
    """A client with a key for `app`, with a session of its own."""
    from tests import factories

    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as one:
        yield one


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
    """Somebody who may use the admin."""

    username: str
    password: str


@pytest.fixture
def operator(database: str) -> Operator:
    from tests import factories

    password = "correct horse battery staple"
    return Operator(factories.make_operator(password=password).username, password)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the server's log beside a failure."""
    report = yield
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(running, Server):
        report.sections.append(("Server log, last lines", running.log[-4000:]))
    return report
