"""Keys, sessions and usage of the previous version keep working after `migrate`."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from keys import crypto
from tests.client import Client
from tests.commands import Result, run_manage
from tests.fixtures.database import connected_to, database_url, temporary_database
from tests.model_server import ModelServer
from tests.product import NO_TLS, Server

# The newest migrations of the previous version.
BEFORE = [
    ("apps_registry", "0026_plain_help_texts"),
    ("keys", "0003_secret_check"),
    ("sessions_app", "0009_message_extra"),
]
EXPIRY = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def older(database: str, model_server: ModelServer) -> Iterator[dict[str, Any]]:
    """A database of the previous version with rows, then migrated: its URL and its contents. Tests connect to it."""
    with temporary_database("upgrade") as name, connected_to(name):
        for app_label, migration in [*BEFORE, ("auth", ""), ("admin", ""), ("sessions", ""), ("axes", "")]:
            call_command("migrate", app_label, *filter(None, [migration]), verbosity=0, interactive=False)
        held = fill(MigrationExecutor(connection).loader.project_state(BEFORE).apps, model_server)
        call_command("migrate", verbosity=0, interactive=False)
        yield {**held, "url": database_url()}
        connection.close()


def fill(apps: Any, model_server: ModelServer) -> dict[str, Any]:
    """Write rows like the previous version, and return their keys and ids."""
    provider = apps.get_model("apps_registry", "Provider").objects.create(slug="old", base_url=model_server.base_url)
    model = apps.get_model("apps_registry", "Model").objects.create(
        name="old-model", provider=provider, provider_model_id="scripted-default"
    )
    make_app = apps.get_model("apps_registry", "App").objects.create
    common = {"default_model": model, "makes_titles": False, "summarises_history": False, "reply_wait_seconds": 30}
    make_app(slug="default", name="Default", is_default=True, **common)
    app = make_app(slug="old-app", name="Old", **common)
    key, revoked, _ = (write_key(apps, app, label) for label in ("old key", "old revoked key", "old key of a form"))
    now = datetime.now(UTC)
    apps.get_model("keys", "AppKey").objects.filter(label="old revoked key").update(revoked_at=now)
    session = apps.get_model("sessions_app", "ChatSession").objects.create(
        app_id=app.pk, version=1, next_position=2, title="Old"
    )
    turn = apps.get_model("sessions_app", "Turn").objects.create(
        session=session,
        app_id=app.pk,
        app_key_id=apps.get_model("keys", "AppKey").objects.get(label="old key").pk,
        model="old-model",
        status="completed",
        prompt_tokens=100,
        completion_tokens=11,
        cost=Decimal("0.25"),
        finished_at=now,
    )
    for position, (role, text) in enumerate((("user", "An old question"), ("agent", "An old answer."))):
        apps.get_model("sessions_app", "Message").objects.create(
            session=session, turn=turn, position=position, role=role, content=text
        )
    return {"key": key, "revoked": revoked, "session": str(session.pk)}


def write_key(apps: Any, app: Any, label: str) -> str:
    parts = crypto.make_key("old-app")
    row = apps.get_model("keys", "AppKey").objects.create(
        label=label,
        prefix=parts.prefix,
        lookup_id=parts.lookup_id,
        secret_hash=crypto.hash_secret(parts.secret),
        secret_check=crypto.secret_check(parts.secret),
        expires_at=EXPIRY,
    )
    row.apps.add(app)
    return parts.plain


@pytest.mark.thorough
def test_keys_sessions_and_usage_of_the_previous_version_keep_working(
    older: dict[str, Any], start: Callable[..., Server], environment: dict[str, str]
) -> None:
    server = start(workers=2, DATABASE_URL=older["url"], DATABASE_DIRECT_URL="")
    with Client(server.url, app="old-app", key=older["key"], session_id=older["session"]) as client:
        snapshot = client.chat("A new question")
        assert [message["content"] for message in snapshot["messages"]][:3] == [
            *("An old question", "An old answer.", "A new question"),
        ]
        client.key = older["revoked"]
        assert {client.post_chat("Hi").status_code for _ in range(6)} == {401}
    with Client(server.url) as stranger:
        assert stranger.chat("Hi")["app"] == "default"

    headers = {"AOMI-APP-KEY": older["key"]}
    key = httpx2.get(f"{server.url}/api/key", headers=headers, verify=NO_TLS).json()
    assert key == {"label": "old key", "apps": ["old-app"], "expires_at": "2099-01-01T00:00:00.000Z", "limits": []}
    total = httpx2.get(f"{server.url}/api/key/usage", headers=headers, verify=NO_TLS).json()["total"]
    assert total["turns"] == 2
    assert total["prompt_tokens"] > 100
    assert total["cost"] == 0.25

    def manage(*arguments: str) -> Result:
        return run_manage(*arguments, environment={**environment, "DATABASE_URL": older["url"]})

    listed = manage("list_keys", "--json")
    assert listed.code == 0, listed.err
    shown = json.loads(listed.out)
    assert {(row["label"], row["channel"], row["status"]) for row in shown} >= {
        ("old key", "live", "active"),
        ("old revoked key", "live", "revoked"),
    }
    rotated = json.loads(manage("rotate_key", crypto_prefix(older["key"]), "--overlap", "1h", "--json").out)
    with Client(server.url, app="old-app", key=rotated["key"], session_id=older["session"]) as client:
        client.chat("By the successor")


def crypto_prefix(key: str) -> str:
    parts = crypto.parse_key(key)
    assert parts is not None
    return parts.prefix


@pytest.mark.thorough
def test_forms_of_the_previous_version_are_accepted(older: dict[str, Any]) -> None:
    """A form that was open during the update of the server lacks the new fields."""
    from django.test import Client as AdminClient

    from keys.models import AppKey

    operator = User.objects.create(username=f"operator-{uuid.uuid4().hex}", is_staff=True, is_superuser=True)
    admin = AdminClient()
    admin.force_login(operator)
    key = AppKey.objects.get(label="old key of a form")
    scope = list(key.apps.values_list("pk", flat=True))
    sent = {"label": "renamed", "apps": scope, "expires_at_0": "2099-01-01", "expires_at_1": "00:00:00"}
    assert admin.post(f"/admin/keys/appkey/{key.pk}/change/", sent).status_code == 302
    key.refresh_from_db()
    assert (key.label, key.channel, key.expires_at) == ("renamed", "live", EXPIRY)
    revoked = AppKey.objects.get(label="old revoked key")
    page = admin.get(f"/admin/keys/appkey/{revoked.pk}/change/").content.decode()
    assert "<strong>Revoked, <time" in page
    form = {"label": "as before", "apps": scope, "expiry": "", "form_id": str(uuid.uuid4())}
    assert "Copy the key now" in admin.post("/admin/keys/appkey/add/", form).content.decode()
