"""Operators cannot give more permissions than they have, and no list reveals a secret column letter by letter."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client

from apps_registry.admin.base import is_secret_column
from apps_registry.models import App
from keys.models import AppKey
from tests import factories
from tests.admin.test_tool_pages import form as tool_form

USERS, GROUPS, KEYS = "/admin/auth/user/", "/admin/auth/group/", "/admin/keys/appkey/"
PASSWORD = "correct horse battery staple 2"


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


def make_user(*codenames: str, **fields: Any) -> User:
    user = factories.make_operator(**{"is_superuser": False, **fields})
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def user_form(user: User, **fields: Any) -> dict[str, Any]:
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    return {"username": user.username, "is_staff": "on", "is_active": "on", **dates, **fields}


def parts_of(app: App) -> int:
    return app.tools.filter(kind="http").count() + app.mcp_servers.count() + app.documents.count()


@pytest.mark.parametrize("codename", ["add_tool", "add_mcpserver", "add_document", "add_appkey"])
def test_operators_without_permission_for_apps_cannot_add_parts_to_one(
    staff_client: Callable[..., Client], app: App, codename: str
) -> None:
    name = codename.partition("_")[2]
    page = f"/admin/{'keys' if name == 'appkey' else 'apps_registry'}/{name}/add/"
    fields: dict[str, Any] = {
        "tool": tool_form(app),
        "mcpserver": {"app": app.pk, "slug": "m", "url": "https://a.example", "timeout_seconds": 5,
                      "max_result_chars": 1000},
        "document": {"app": app.pk, "uploads": SimpleUploadedFile("a.txt", b"alpha")},
        "appkey": {"label": "theirs", "apps": [app.pk], "form_id": str(uuid.uuid4())},
    }[name]  # fmt: skip
    blind = staff_client(codename)
    assert app.slug not in blind.get(page).content.decode()
    assert (blind.get(page).status_code, blind.post(page, fields).status_code) == (403, 403)
    assert parts_of(app) == 0
    assert not AppKey.objects.filter(apps=app).exists()
    if "uploads" in fields:
        fields["uploads"].seek(0)
    seeing = staff_client(codename, "view_app")
    assert app.slug in seeing.get(page).content.decode()
    assert seeing.post(page, fields).status_code in {200, 302}
    assert (app.tools.filter(kind="http").exists() or app.mcp_servers.exists() or app.documents.exists()) == (
        name != "appkey"
    )
    assert AppKey.objects.filter(apps=app).exists() == (name == "appkey")


def test_only_operators_who_may_view_apps_can_widen_a_key(
    staff_client: Callable[..., Client], app: App, other_app: App
) -> None:
    key = factories.make_key(app).app_key
    page = f"{KEYS}{key.pk}/change/"
    blind = staff_client("view_appkey", "change_appkey")
    shown = blind.get(page)
    assert app.slug in shown.content.decode()
    assert other_app.slug not in shown.context["adminform"].form["apps"].as_widget()
    answer = blind.post(page, {"label": "wider", "apps": [app.pk, other_app.pk]})
    assert "is not one of the available choices" in answer.content.decode()
    assert list(key.apps.all()) == [app]
    assert blind.post(page, {"label": "kept", "apps": [app.pk]}).status_code == 302
    seeing = staff_client("view_appkey", "change_appkey", "view_app")
    assert seeing.post(page, {"label": "wider", "apps": [app.pk, other_app.pk]}).status_code == 302
    assert set(key.apps.all()) == {app, other_app}


def test_the_permission_to_change_users_makes_nobody_a_superuser(staff_client: Callable[..., Client]) -> None:
    client = staff_client("view_user", "change_user", "view_app")
    holder = User.objects.order_by("-pk")[0]
    target = make_user("view_app")
    strong = Group.objects.create(name=factories.unique("strong"))
    strong.permissions.add(permission("view_app"), permission("change_secret"))
    weak = Group.objects.create(name=factories.unique("weak"))
    weak.permissions.add(permission("view_app"))
    for user in (holder, target):
        page = f"{USERS}{user.pk}/change/"
        shown = client.get(page).content.decode()
        assert 'name="is_superuser"' not in shown
        assert (strong.name in shown, weak.name in shown) == (False, True)
        held = [permission(name).pk for name in ("view_user", "change_user", "view_app")] if user == holder else []
        kept = user_form(user, user_permissions=held)
        assert client.post(page, {**kept, "is_superuser": "on"}).status_code == 302
        for changes in ({"user_permissions": [*held, permission("change_secret").pk]}, {"groups": [strong.pk]}):
            assert "not one of the available choices" in client.post(page, {**kept, **changes}).content.decode()
        assert client.post(page, {**kept, "groups": [weak.pk]}).status_code == 302
        user.refresh_from_db()
        assert (user.is_superuser, list(user.groups.all())) == (False, [weak])
        assert not user.has_perm("apps_registry.change_secret")


@pytest.mark.parametrize("more", [{"is_superuser": True}, {"is_superuser": True, "is_active": False}, {}])
def test_operators_cannot_change_users_with_more_permissions(
    staff_client: Callable[..., Client], more: dict[str, Any]
) -> None:
    target = make_user("view_app", "change_secret", **more)
    client = staff_client("view_user", "change_user", "view_app")
    before = target.password
    assert client.post(f"{USERS}{target.pk}/change/", user_form(target, email="a@b.example")).status_code == 403
    passwords = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    for method in (client.get, client.post):
        assert method(f"{USERS}{target.pk}/password/", passwords).status_code == 403
    target.refresh_from_db()
    assert (target.password, target.email) == (before, "")
    weaker = make_user("view_app")
    assert client.post(f"{USERS}{weaker.pk}/password/", passwords).status_code == 302
    weaker.refresh_from_db()
    assert weaker.check_password(PASSWORD)


def test_a_group_gets_no_more_than_its_editor_has(staff_client: Callable[..., Client]) -> None:
    client = staff_client("view_group", "change_group", "add_group", "delete_group", "view_app")
    group = Group.objects.create(name=factories.unique("g"))
    for page in (f"{GROUPS}{group.pk}/change/", f"{GROUPS}add/"):
        fields = {"name": factories.unique("g"), "permissions": [permission("change_secret").pk]}
        assert "not one of the available choices" in client.post(page, fields).content.decode()
        assert client.post(page, {**fields, "permissions": [permission("view_app").pk]}).status_code == 302
    group.permissions.add(permission("change_secret"))
    assert client.post(f"{GROUPS}{group.pk}/change/", {"name": "x"}).status_code == 403
    assert client.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(GROUPS, {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"})
    assert group.permissions.count() == 2
    assert Group.objects.filter(pk=group.pk).exists()


def test_a_superuser_can_give_every_permission(admin_client: Client) -> None:
    target = make_user()
    changes = {"is_superuser": "on", "user_permissions": [permission("change_secret").pk]}
    assert admin_client.post(f"{USERS}{target.pk}/change/", user_form(target, **changes)).status_code == 302
    target.refresh_from_db()
    assert (target.is_superuser, target.user_permissions.count()) == (True, 1)


# --- Lookups ---------------------------------------------------------------------------------------------


def secret_paths(model: type[models.Model], depth: int, seen: tuple[Any, ...] = ()) -> Iterator[str]:
    """Every lookup path from a model to a secret column."""
    for field in model._meta.get_fields():
        if is_secret_column(field):
            yield field.name
        related = field.related_model
        if depth and isinstance(related, type) and field not in seen:
            yield from (f"{field.name}__{path}" for path in secret_paths(related, depth - 1, (*seen, field)))


def test_no_list_can_be_filtered_by_a_secret_column(admin_client: Client, rf: Any) -> None:
    admin.autodiscover()
    request, walked = rf.get("/"), set[str]()
    request.user = User(is_superuser=True)
    for model, model_admin in admin.site._registry.items():
        page = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for path in secret_paths(model, 3):
            walked.add(path)
            for lookup in (path, f"{path}__startswith", f"{path}__regex"):
                assert not model_admin.lookup_allowed(lookup, "x", request), (page, lookup)
            if path.count("__") < 2:
                assert admin_client.get(f"{page}?{path}__startswith=x").status_code == 400, (page, path)
    assert {"api_key_token", "secret_hash", "password", "provider__api_key_token", "app__secrets__token",
            "created_by__password", "user__password", "secrets__token"} <= walked  # fmt: skip


def test_no_search_reads_a_secret_column() -> None:
    admin.autodiscover()
    for model_admin in admin.site._registry.values():
        paths = set(secret_paths(model_admin.model, 2))
        used = [*model_admin.search_fields, *model_admin.list_display, *model_admin.list_filter]
        assert paths.isdisjoint(name.lstrip("^=@") for name in used if isinstance(name, str))
