"""Titles: written by the model in the background, and never in place of a title that the user set."""

import time
from collections.abc import Iterator

import pytest

from apps_registry.models import App
from tests import factories
from tests.client import Client, texts
from tests.model_server import ModelServer, Reply, ScriptedModel, refuses, says
from tests.patience import scaled
from tests.product import Server
from tests.sse import Updates


@pytest.fixture
def titled(server: Server, model_server: ModelServer) -> Iterator[tuple[Client, ScriptedModel]]:
    """A client of an App that makes titles, and its model."""
    app = factories.make_app(base_url=model_server.base_url, makes_titles=True)
    with Client(server.url, app=app.slug, key=factories.make_key(app).plain) as client:
        yield client, ScriptedModel(model_server, app.default_model.provider_model_id)


def test_the_model_gives_a_title_after_the_first_reply(titled: tuple[Client, ScriptedModel]) -> None:
    client, model = titled
    model.will(says("3,500 USD."), says('"The price', " of", ' ether."\n\nAnything else?'))
    with Updates(client) as reader:
        snapshot = client.chat("What is ETH worth?")
        assert (snapshot["title"], texts(snapshot)[1]) == ("What is ETH worth?", ("agent", "3,500 USD."))
        assert reader.wait_for(lambda event: event["type"] == "title_changed")["new_title"] == "The price of ether"
    assert client.state()["title"] == "The price of ether"
    assert len(client.chat("And BTC?")["messages"]) == 4
    time.sleep(scaled(0.2))
    assert len(model.requests) == 3  # one title per session


def test_a_title_that_the_model_does_not_give_is_the_first_words(titled: tuple[Client, ScriptedModel]) -> None:
    client, model = titled
    model.will(says("Hello."), refuses(500))
    client.chat("First words of mine")
    time.sleep(scaled(0.3))
    assert client.state()["title"] == "First words of mine"


def test_a_slow_title_delays_nothing(titled: tuple[Client, ScriptedModel]) -> None:
    client, model = titled
    model.will(says("One."), Reply(then="hang"), says("Two."))
    client.chat("Hi")
    assert texts(client.chat("Again"))[-1] == ("agent", "Two.")


def test_a_users_own_title_stays(titled: tuple[Client, ScriptedModel]) -> None:
    client, model = titled
    model.will(says("Hello."), says("The model's", " title", pause=0.2))
    client.chat("Hi")
    client.request("PATCH", f"/api/sessions/{client.session_id}", json={"title": "Mine"})
    time.sleep(scaled(0.8))
    assert client.state()["title"] == "Mine"


def test_an_app_can_turn_titles_off(app_client: Client, app: App, model: ScriptedModel) -> None:
    app_client.chat("Hi")
    time.sleep(scaled(0.2))
    assert len(model.requests) == 1
