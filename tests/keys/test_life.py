"""A key's life, from outside: changed, rotated, revoked, expiring, and used; on two workers."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.utils import IntegrityError
from django.utils import timezone

from apps_registry.models import App
from keys.models import AppKey
from keys.services import Rotation, rotate_key
from tests import factories
from tests.client import Client
from tests.commands import Result
from tests.product import Server
from tests.waiting import wait_until

Manage = Callable[..., Result]
WORKERS = 2
ROUNDS = 6  # enough requests to reach both workers


def statuses(server: Server, app: App, key: str) -> set[int]:
    """Return the statuses that callers with this key get from the workers."""
    with Client(server.url, app=app.slug, key=key) as client:
        return {client.post_chat("Hi").status_code for _ in range(ROUNDS)}


def facts(manage: Manage, prefix: str) -> dict[str, Any]:
    shown = manage("show_key", prefix, "--json")
    assert shown.code == 0, shown.err
    data: dict[str, Any] = json.loads(shown.out)
    return data


def test_a_changed_scope_takes_effect_with_the_next_request_to_either_worker(
    manage: Manage, server: Server, app: App, other_app: App
) -> None:
    issued = factories.make_key(app)
    prefix = issued.app_key.prefix
    assert statuses(server, app, issued.plain) == {200}
    assert statuses(server, other_app, issued.plain) == {403}
    changed = manage("change_key", prefix, "--add-app", other_app.slug, "--remove-app", app.slug)
    assert changed.out == f"Changed apps of {prefix} ({issued.app_key.label}).\n"
    assert statuses(server, app, issued.plain) == {403}
    assert statuses(server, other_app, issued.plain) == {200}


def test_a_rotated_key_works_until_its_overlap_ends_on_either_worker(manage: Manage, server: Server, app: App) -> None:
    old = factories.make_key(app, owner="Team", note="a note")
    rotated = manage("rotate_key", old.app_key.prefix, "--overlap", "2h")
    plain = rotated.out.strip()
    assert plain.startswith(f"sk-{app.slug}-")
    assert plain != old.plain
    assert statuses(server, app, old.plain) == statuses(server, app, plain) == {200}

    again = manage("rotate_key", old.app_key.prefix, "--overlap", "0h")
    assert (again.code, again.out) == (0, "")
    assert "Nothing new was issued" in again.err
    assert statuses(server, app, old.plain) == {200}  # repeating the request changes nothing

    assert manage("rotate_key", old.app_key.prefix, "--end-overlap").code == 0
    assert statuses(server, app, old.plain) == {401}
    assert statuses(server, app, plain) == {200}
    now = facts(manage, AppKey.objects.get(rotated_from=old.app_key).prefix)
    assert (now["owner"], now["note"], now["apps"]) == ("Team", "a note", [app.slug])
    assert now["rotated_from"] == old.app_key.prefix
    assert facts(manage, old.app_key.prefix)["status"] == "expired"


def test_a_rotation_without_overlap_ends_the_old_key_at_once(manage: Manage, server: Server, app: App) -> None:
    old = factories.make_key(app)
    plain = manage("rotate_key", old.app_key.prefix, "--overlap", "0").out.strip()
    assert statuses(server, app, old.plain) == {401}
    assert statuses(server, app, plain) == {200}


def test_a_rotation_asked_for_twice_at_once_issues_one_key(app: App) -> None:
    old, done = factories.make_key(app).app_key, list[Rotation]()

    def rotate() -> None:
        done.append(rotate_key(old, overlap=timedelta(hours=1)))
        connection.close()

    threads = [threading.Thread(target=rotate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 8
    assert len({rotation.successor.pk for rotation in done}) == 1
    assert len([rotation for rotation in done if rotation.plain]) == 1


def test_an_overlap_never_prolongs_a_key(app: App) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    rotation = rotate_key(factories.make_key(app, expires_at=soon).app_key, overlap=timedelta(hours=72))
    assert rotation.old.expires_at == soon
    life = rotation.successor.expires_at - timezone.now() if rotation.successor.expires_at else None
    assert life is not None
    assert timedelta(minutes=4) < life <= timedelta(minutes=5)


def test_a_successor_of_a_key_without_expiry_has_none(app: App) -> None:
    assert rotate_key(factories.make_key(app).app_key, overlap=timedelta()).successor.expires_at is None


def test_a_revocation_says_by_whom_when_and_why_and_is_final(manage: Manage, app: App) -> None:
    key = factories.make_key(app).app_key
    assert manage("revoke_key", key.prefix, "--reason", "leaked").code == 0
    shown = facts(manage, key.prefix)
    assert (shown["status"], shown["revoked_by"], shown["revoke_reason"]) == ("revoked", "command", "leaked")
    assert manage("revoke_key", key.prefix, "--reason", "another reason").code == 0
    assert facts(manage, key.prefix) == shown
    with pytest.raises(IntegrityError, match="final"):
        AppKey.objects.filter(pk=key.pk).update(revoked_at=None)
    refused = manage("change_key", key.prefix, "--label", "alive again")
    assert "cannot be changed" in refused.err


def test_keys_are_revoked_by_what_they_have_in_common(manage: Manage, server: Server, app: App, other_app: App) -> None:
    owner = factories.unique("Team")
    mine = factories.make_key(app, owner=owner)
    both = factories.make_key(app, other_app, owner=owner.upper())
    elsewhere = factories.make_key(other_app, owner=owner)
    preview = manage("revoke_key", "--owner", owner, "--app", app.slug)
    assert "2 keys would be revoked" in preview.out
    assert statuses(server, app, mine.plain) == {200}
    done = json.loads(manage("revoke_key", "--owner", owner, "--app", app.slug, "--yes", "--json").out)
    assert (done["revoked"], len(done["keys"])) == (True, 2)
    assert statuses(server, app, mine.plain) == statuses(server, app, both.plain) == {401}
    assert statuses(server, other_app, elsewhere.plain) == {200}
    assert "No matching key" in manage("revoke_key", "--label", factories.unique("none"), "--yes").out


def test_the_last_use_has_time_app_and_address_and_is_written_once_a_minute(
    manage: Manage, server: Server, app: App, other_app: App
) -> None:
    issued = factories.make_key(app, other_app)
    prefix = issued.app_key.prefix
    assert facts(manage, prefix)["last_used_at"] is None
    assert statuses(server, app, issued.plain) == {200}
    wait_until(lambda: facts(manage, prefix)["last_used_at"] is not None)
    first = facts(manage, prefix)
    assert (first["last_used_app"], first["last_used_address"]) == (app.slug, "127.0.0.1")

    # Uses within the same minute are not written; the use of another key after them is.
    assert statuses(server, other_app, issued.plain) == {200}
    another = factories.make_key(app)
    assert statuses(server, app, another.plain) == {200}
    wait_until(lambda: facts(manage, another.app_key.prefix)["last_used_at"] is not None)
    assert facts(manage, prefix) == first
    stale = timezone.now() - timedelta(minutes=2)
    AppKey.objects.filter(pk=issued.app_key.pk).update(last_used_at=stale)
    assert statuses(server, other_app, issued.plain) == {200}
    wait_until(lambda: facts(manage, prefix)["last_used_app"] == other_app.slug)


def test_new_keys_get_the_default_expiry_unless_told_otherwise(manage: Manage, app: App) -> None:
    default = json.loads(manage("issue_key", app.slug, "--label", "x", "--json").out)
    assert default["expires_at"][:10] == f"{timezone.now() + timedelta(days=365):%Y-%m-%d}"
    never = json.loads(manage("issue_key", app.slug, "--label", "x", "--expires", "never", "--json").out)
    assert never["expires_at"] is None


def test_expiries_are_announced_once_in_the_log(start: Callable[..., Server], app: App) -> None:
    label = factories.unique("partner")
    # Any server announces a key, and others may run on the same database: only this one announces so early.
    soon = factories.make_key(app, label=label, owner="Team", expires_at=timezone.now() + timedelta(days=90)).app_key
    later = factories.make_key(app, expires_at=timezone.now() + timedelta(days=300)).app_key
    server = start(workers=WORKERS, KEY_EXPIRY_NOTICE_DAYS="100")
    wait_until(lambda: soon.prefix in server.log)
    line = next(line for line in server.log.splitlines() if soon.prefix in line)
    assert f"({label}, Team) expires at" in line
    assert "never used; rotate it" in line
    server.stop()
    assert server.log.count(soon.prefix) == 1
    assert later.prefix not in server.log
    announced_at = timezone.now() - timedelta(days=2)
    AppKey.objects.filter(pk=soon.pk).update(
        expires_at=timezone.now() + timedelta(hours=5), expiry_announced_at=announced_at
    )
    start(workers=1)  # within its last day, a key is announced again, by the first server that looks
    wait_until(lambda: AppKey.objects.filter(pk=soon.pk, expiry_announced_at__gt=announced_at).exists())


def test_expiring_keys_are_listed(manage: Manage, app: App) -> None:
    for days in (3, 300):
        factories.make_key(app, label=f"in {days} days", expires_at=timezone.now() + timedelta(days=days))
    rows = json.loads(manage("list_keys", "--app", app.slug, "--expiring", "14d", "--json").out)
    assert [row["label"] for row in rows] == ["in 3 days"]


def test_a_key_is_changed_in_every_part(manage: Manage, app: App) -> None:
    prefix = factories.make_key(app).app_key.prefix
    changed = manage("change_key", prefix, "--label", "new", "--owner", "Ada", "--note", "moved", "--expires", "9d")
    assert changed.out.startswith("Changed expires_at, label, note, owner of")
    shown = facts(manage, prefix)
    assert (shown["label"], shown["owner"], shown["note"]) == ("new", "Ada", "moved")
    assert manage("change_key", prefix, "--expires", "never").code == 0
    assert facts(manage, prefix)["expires_at"] is None
    assert "Nothing to change" in manage("change_key", prefix, "--label", "new").out
    text = manage("show_key", prefix).out
    assert "last used" not in text  # empty fields are not shown
    assert "owner" in text


MISTAKES = {
    "no such key": (["show_key", "sk-none-00000000"], "There is no key"),
    "an App that it does not open": (["change_key", "{key}", "--remove-app", "default"], "does not open"),
    "its only App": (["change_key", "{key}", "--remove-app", "{app}"], "at least one App"),
    "a past expiry": (["change_key", "{key}", "--expires", "2020-01-01T00:00Z"], "in the past"),
    "a channel in words": (["change_key", "{key}", "--channel", "newest"], "is not a channel"),
    "a missing release": (["change_key", "{key}", "--channel", "release:7"], "has no release 7"),
    "a long note": (["change_key", "{key}", "--note", "x" * 2001], "the limit is 2,000"),
    "a long overlap": (["rotate_key", "{key}", "--overlap", "73h"], "0 to 72 hours"),
    "an overlap in words": (["rotate_key", "{key}", "--overlap", "soon"], "not a number of hours"),
    "no overlap to end": (["rotate_key", "{key}", "--end-overlap"], "has not been rotated"),
    "a name and a description": (["revoke_key", "{key}", "--owner", "x"], "or several by"),
    "a long reason": (["revoke_key", "{key}", "--reason", "x" * 201], "the limit is 200"),
    "a limit in words": (["change_key", "{key}", "--tokens-per-day", "many"], "nor none"),
    "an amount in words": (["change_key", "{key}", "--money-per-day", "NaN"], "nor none"),
    "a limit of nothing": (["change_key", "{key}", "--concurrent-turns", "0"], "greater than or equal to 1"),
    "a list until never": (["list_keys", "--expiring", "never"], "is not possible here"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_clear_error_and_changes_nothing(
    manage: Manage, app: App, arguments: list[str], message: str
) -> None:
    key = factories.make_key(app).app_key
    before = facts(manage, key.prefix)
    result = manage(*(argument.format(app=app.slug, key=key.prefix) for argument in arguments))
    assert result.code != 0
    assert message in result.err
    assert "Traceback" not in result.err
    assert facts(manage, key.prefix) == before


@pytest.mark.parametrize("hours", [-1, 73])
def test_an_overlap_has_limits(app: App, hours: int) -> None:
    with pytest.raises(ValidationError, match="0 to 72 hours"):
        rotate_key(factories.make_key(app).app_key, overlap=timedelta(hours=hours))


@pytest.mark.parametrize("command", ["show_key", "change_key", "rotate_key"])
def test_help_teaches(manage: Manage, command: str) -> None:
    shown = manage(command, "--help")
    assert (shown.code, "examples:\n" in shown.out) == (0, True)


def test_limits_are_set_and_shown_by_command(manage: Manage, server: Server, app: App) -> None:
    issued = json.loads(
        manage("issue_key", app.slug, "--label", "x", "--requests-per-minute", "2", "--burst", "2", "--json").out
    )
    with Client(server.url, app=app.slug, key=issued["key"]) as client:
        assert sorted(client.post_chat("Hi").status_code for _ in range(4)) == [200, 200, 429, 429]
    prefix = issued["prefix"]
    told = manage(
        "change_key", prefix, "--requests-per-minute", "none", "--burst", "none", "--tokens-per-day", "900000"
    )
    assert told.out.startswith("Changed requests_per_minute, burst, tokens_per_day of")
    (limit,) = facts(manage, prefix)["limits"]
    assert (limit["what"], limit["per"], limit["limit"]) == ("tokens", "day", 900_000)
    assert 0 < limit["left"] < 900_000  # what was used before counts
    assert f"{limit['left']} left of 900000" in manage("show_key", prefix).out


def test_a_limit_of_money_needs_prices(manage: Manage, app: App) -> None:
    before = AppKey.objects.count()
    refused = manage("issue_key", app.slug, "--label", "x", "--money-per-day", "5")
    assert "Every model that may answer needs prices" in refused.err
    assert AppKey.objects.count() == before  # no key is issued without the requested limit


def test_origins_and_networks_are_changed_by_command_and_kept_by_a_successor(manage: Manage, app: App) -> None:
    prefix = factories.make_key(app).app_key.prefix
    lists = ["--network", "192.0.2.0/24", "--network", "2001:db8::/32", "--origin", "https://www.example.com"]
    assert manage("change_key", prefix, *lists).code == 0
    rotated = json.loads(manage("rotate_key", prefix, "--json").out)
    shown = facts(manage, rotated["prefix"])
    assert shown["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert shown["origins"] == ["https://www.example.com"]
    assert manage("change_key", prefix, "--origin", "any").code == 0
    assert (facts(manage, prefix)["origins"], len(facts(manage, prefix)["networks"])) == ([], 2)
    assert "300.0.0.1" in manage("change_key", prefix, "--network", "300.0.0.1").err


def test_calls_to_copy_are_printed_for_each_language(manage: Manage, server: Server, app: App) -> None:
    issued = manage("issue_key", app.slug, "--label", "partner", "--examples", server.url)
    assert issued.out.count("\n") == 1  # only the key
    _, _, examples = issued.err.partition("# curl\n")
    curl, _, programs = examples.partition("\n# Python\n")
    python, _, javascript = programs.partition("\n# JavaScript\n")
    assert all(issued.out.strip() in example for example in (curl, python, javascript))
    done = subprocess.run([sys.executable, "-"], input=python.encode(), capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout)["app"] == app.slug
