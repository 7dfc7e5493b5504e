"""seed_default_app creates what is missing and changes nothing that exists."""

import json
from collections.abc import Callable

import pytest

from apps_registry.models import App, Model, Provider
from tests.commands import Result

Manage = Callable[..., Result]


def test_what_an_operator_changed_stays(manage: Manage) -> None:
    App.objects.filter(is_default=True).update(preamble="An operator's own words.")
    app = App.objects.get(is_default=True)
    for _ in range(2):
        result = json.loads(manage("seed_default_app", "--json").out)
        assert result == {"app": app.slug, "model": app.default_model.name, "created": False}
    assert App.objects.get(is_default=True).preamble == "An operator's own words."
    assert "nothing was changed" in manage("seed_default_app").out


def test_an_empty_database_gets_a_default_app_with_every_tool(manage_empty: Manage) -> None:
    made = manage_empty("seed_default_app", "--model", "m1", "--base-url", "http://127.0.0.1:9/v1", "--json")
    assert json.loads(made.out) == {"app": "default", "model": "m1", "created": True}
    again = manage_empty("seed_default_app", "--model", "m2", "--base-url", "http://127.0.0.1:9/v1", "--json")
    assert json.loads(again.out) == {"app": "default", "model": "m1", "created": False}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "m"], "must be given together"),
        (["--model", "m", "--base-url", "localhost"], "must be a URL such as https://host/v1"),
        ([], "There is no model for the App"),
    ],
)
def test_a_mistake_is_one_clear_error(manage_empty: Manage, arguments: list[str], message: str) -> None:
    result = manage_empty("seed_default_app", *arguments)
    assert result.code == 1
    assert message in result.err
    assert "Traceback" not in result.err
    assert not Provider.objects.filter(slug="default").exists()
    assert not Model.objects.filter(name="m").exists()
