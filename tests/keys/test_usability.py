"""One rule says when a key is usable; its SQL, its condition for querysets and its Python agree."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from django.db import connection

from apps_registry.models import App
from keys.models import AppKey
from keys.usability import Status, has_status, status_at, usable_sql
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.product import Server

NOW = datetime(2031, 5, 17, 12, tzinfo=UTC)
# The rule only compares, so these cover all cases: not set, long before, just before, at, just after, long after.
SHIFTS = (
    timedelta(days=-400),
    timedelta(microseconds=-1),
    timedelta(0),
    timedelta(microseconds=1),
    timedelta(days=400),
)
TIMES = (None, *(NOW + shift for shift in SHIFTS))
PAIRS = tuple(itertools.product(TIMES, TIMES))
AT_NOW = "SELECT " + usable_sql("%s") + " FROM (SELECT %s::timestamptz, %s::timestamptz) AS key(revoked_at, expires_at)"


@pytest.mark.parametrize(("revoked_at", "expires_at"), PAIRS)
def test_sql_and_python_agree(revoked_at: datetime | None, expires_at: datetime | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(AT_NOW, [NOW, revoked_at, expires_at])
        (is_usable,) = cursor.fetchone()
    assert is_usable is (status_at(NOW, revoked_at=revoked_at, expires_at=expires_at) == "active")


def test_querysets_and_python_agree(app: App) -> None:
    columns = ({"revoked_at": revoked, "expires_at": expires} for revoked, expires in PAIRS)
    rows = [AppKey(label="x", lookup_id=factories.unique("")[-11:], **values) for values in columns]
    ours = AppKey.objects.filter(pk__in=[row.pk for row in AppKey.objects.bulk_create(rows)])
    for status in get_args(Status):
        matching = {(key.revoked_at, key.expires_at) for key in ours.filter(has_status(status, NOW))}
        assert matching == {pair for pair in PAIRS if status_at(NOW, revoked_at=pair[0], expires_at=pair[1]) == status}
    ours.delete()


def test_calls_pages_and_commands_agree_on_a_key(manage: Callable[..., Result], server: Server, app: App) -> None:
    """A caller, the list of keys, its filters and the App's page."""
    past, future = datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC) + timedelta(days=1)
    for revoked_at, expires_at in itertools.product((None, past), (None, past, future)):
        issued = factories.make_key(app)
        AppKey.objects.filter(pk=issued.app_key.pk).update(revoked_at=revoked_at, expires_at=expires_at)
        issued.app_key.refresh_from_db()
        is_usable = issued.app_key.status == "active"
        with Client(server.url, app=app.slug, key=issued.plain) as client:
            assert client.post_chat("Hi").status_code == (200 if is_usable else 401)
    listed = manage("list_keys", "--app", app.slug, "--usable", "--json").out
    usable = set(app.keys.usable().values_list("prefix", flat=True))
    assert usable == {key.prefix for key in app.keys.all() if key.status == "active"}
    assert len(usable) == 2
    assert all(prefix in listed for prefix in usable)
    assert listed.count('"prefix"') == len(usable)
