"""The page of settings shows superusers the values in use with their source, and no secret."""

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client, override_settings

from tests.docs.markdown import section

PAGE = "/admin/settings/"
PASSWORD = "hunter2-of-redis"


def row(page: str, name: str) -> str:
    """Return the text of a setting's row."""
    match = re.search(rf'<th scope="row"><code>{name}</code></th>(.*?)</tr>', page, re.DOTALL)
    assert match, name
    return " ".join(re.sub(r"<[^>]+>", " ", match[1]).split())


def test_superusers_see_every_documented_setting_with_its_value_unit_and_source(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYLESS_BURST", "30")
    monkeypatch.delenv("MESSAGE_MAX_CHARS", raising=False)
    page = admin_client.get(PAGE).content.decode()
    listed = re.findall(r"^\| `([A-Z_]+)`", section("docs/configuration.md", "All settings"), re.MULTILINE)
    assert len(listed) >= 50
    for name in listed:
        assert row(page, name), name
    assert row(page, "MESSAGE_MAX_CHARS").startswith(
        f"{settings.MESSAGE_MAX_CHARS:,} characters Default longer messages"
    )
    assert row(page, "KEYLESS_BURST").startswith(f"{settings.KEYLESS_BURST} calls Environment default: 30 how many")
    assert row(page, "STREAMS_PER_KEY").startswith(f"{settings.STREAMS_PER_KEY:,} streams")
    assert row(page, "PROVIDER_KEY_VARIABLES").startswith("OPENAI_API_KEY=https://")
    assert row(page, "HSTS_SECONDS").startswith(f"{settings.SECURE_HSTS_SECONDS:,} seconds")
    for group in ("Callers without a key", "Retention", "PostgreSQL and pool sizes", "Documents"):
        assert f">{group}</h3>" in page


def test_of_secrets_it_shows_only_whether_they_are_set(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"sk-{PASSWORD}")
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@proxy:3128")
    with override_settings(REDIS_URL=f"redis://user:{PASSWORD}@redis:6379/0", METRICS_TOKEN=""):
        page = admin_client.get(PAGE).content.decode()
    for name in ("SECRET_KEY", "REDIS_URL", "OPENAI_API_KEY", "HTTPS_PROXY"):
        assert row(page, name).startswith("set "), name
    assert row(page, "METRICS_TOKEN").startswith("not set ")
    secrets = [PASSWORD, settings.SECRET_KEY, *settings.SECRETS_KEYS, settings.DATABASE_URL]
    assert [secret for secret in secrets if secret and secret in page] == []


def test_other_operators_see_only_the_areas(staff_client: Callable[..., Client]) -> None:
    page = staff_client("view_app", "change_app").get(PAGE).content.decode()
    assert "/admin/apps_registry/app/" in page
    assert "KEYLESS_BURST" not in page
