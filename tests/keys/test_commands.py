"""issue_key, list_keys, revoke_key: for people and for scripts."""

import json
from collections.abc import Callable

import pytest

from apps_registry.models import App
from keys.models import AppKey
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.product import Server

Manage = Callable[..., Result]


def test_a_key_is_issued_used_and_revoked(manage: Manage, server: Server, app: App) -> None:
    issued = manage("issue_key", app.slug, "--label", "a script")
    key = issued.out.strip()
    assert (issued.code, issued.out.count("\n")) == (0, 1)  # KEY=$(… issue_key …) contains only the key
    assert "not shown again" in issued.err
    with Client(server.url, app=app.slug, key=key) as client:
        assert client.chat("Hi")["app"] == app.slug
        prefix = AppKey.objects.get(label="a script", apps=app).prefix
        assert manage("revoke_key", prefix).code == 0
        assert client.post_chat("Hi").status_code == 401
    again = manage("revoke_key", prefix)
    assert (again.code, "Revoked" in again.out) == (0, True)


def test_a_key_in_json(manage: Manage, app: App, other_app: App) -> None:
    issued = json.loads(manage("issue_key", app.slug, other_app.slug, "--label", "x", "--expires", "30d", "--json").out)
    assert issued["key"].startswith(issued["prefix"])
    assert issued["apps"] == sorted([app.slug, other_app.slug])
    assert issued["expires_at"]


def test_keys_are_listed_without_secrets(manage: Manage, app: App) -> None:
    operators = (factories.make_operator(), None)
    issued = [factories.make_key(app, label=f"key {n}", created_by=operator) for n, operator in enumerate(operators)]
    manage("revoke_key", issued[0].app_key.prefix)
    table = manage("list_keys", "--app", app.slug)
    assert table.code == 0
    assert "revoked" in table.out
    assert "active" in table.out
    assert str(operators[0]) in table.out
    assert not any(key.plain in table.out for key in issued)
    rows = json.loads(manage("list_keys", "--app", app.slug, "--usable", "--json").out)
    assert [(row["label"], row["created_by"]) for row in rows] == [("key 1", "command")]


def test_where_a_key_may_be_used(manage: Manage, app: App) -> None:
    arguments = ["--origin", "https://Shop.example:443", "--origin", "http://localhost:3000"]
    arguments += ["--network", "192.0.2.7", "--network", "::ffff:10.0.0.0/104", "--network", "2001:DB8::/32"]
    issued = json.loads(manage("issue_key", app.slug, "--label", "limited", *arguments, "--json").out)
    assert issued["origins"] == ["https://shop.example", "http://localhost:3000"]
    assert issued["networks"] == ["192.0.2.7/32", "10.0.0.0/8", "2001:db8::/32"]
    (row,) = json.loads(manage("list_keys", "--app", app.slug, "--json").out)
    assert (row["origins"], row["networks"]) == (issued["origins"], issued["networks"])
    changed = manage("change_key", issued["prefix"], "--network", "any", "--origin", "https://a.example/", "--json")
    facts = json.loads(changed.out)
    assert facts["changed"] == ["allowed_networks", "allowed_origins"]
    assert (facts["origins"], facts["networks"]) == (["https://a.example"], [])
    assert "https://a.example" in manage("show_key", issued["prefix"]).out
    assert "is not an origin" in manage("change_key", issued["prefix"], "--origin", "shop").err
    rotated = json.loads(manage("rotate_key", issued["prefix"], "--json").out)
    assert AppKey.objects.get(rotated_from__prefix=issued["prefix"]).allowed_origins == "https://a.example", rotated


def test_no_keys_yet(manage: Manage, app: App) -> None:
    assert "issue_key" in manage("list_keys", "--app", app.slug).out
    assert json.loads(manage("list_keys", "--app", app.slug, "--json").out) == []


MISTAKES = {
    "unknown App": (["issue_key", "no-such-app", "--label", "x"], "There is no App 'no-such-app'"),
    "no label": (["issue_key", "{app}"], "--label"),
    "blank label": (["issue_key", "{app}", "--label", " "], "Say who or what"),
    "no App": (["issue_key", "--label", "x"], "APP"),
    "an expiry in words": (["issue_key", "{app}", "--label", "x", "--expires", "soon"], "'soon' is neither"),
    "an expiry in the past": (["issue_key", "{app}", "--label", "x", "--expires", "2020-01-01"], "neither|in the past"),
    "a past time": (["issue_key", "{app}", "--label", "x", "--expires", "2020-01-01T00:00Z"], "in the past"),
    "an endless expiry": (["issue_key", "{app}", "--label", "x", "--expires", "99999999999d"], "neither"),
    "no origin": (
        ["issue_key", "{app}", "--label", "x", "--origin", "shop.example"],
        "'shop.example' is not an origin",
    ),
    "no network": (["issue_key", "{app}", "--label", "x", "--network", "10.1.0.0/8"], "write 10.0.0.0/8"),
    "list of an unknown App": (["list_keys", "--app", "no-such-app"], "There is no App"),
    "revoking nothing": (["revoke_key", "sk-none-00000000"], "There is no key"),
    "revoking without a name": (["revoke_key"], "PREFIX"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_clear_error(manage: Manage, app: App, arguments: list[str], message: str) -> None:
    result = manage(*(argument.format(app=app.slug) for argument in arguments))
    assert result.code != 0
    assert any(words in result.err for words in message.split("|"))
    assert "Traceback" not in result.err


COMMANDS = ["issue_key", "list_keys", "revoke_key", "seed_default_app", "quickstart", "prune_sessions"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(manage: Manage, command: str) -> None:
    shown = manage(command, "--help")
    assert shown.code == 0
    assert "examples:\n" in shown.out
    assert f"manage.py {command}" in shown.out
