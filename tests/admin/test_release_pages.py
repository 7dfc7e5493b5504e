"""Releases in the console: publish, roll back, delete, and show a broken release."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from apps_registry.models import App, AppRelease
from apps_registry.releases.services import publish
from tests import factories
from tests.conftest import Operator
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.thorough
@pytest.mark.browser
def test_an_app_is_published_and_rolled_back_in_one_click(console: "Page", server: Server, app: App) -> None:
    console.goto(f"{server.url}/admin/apps_registry/app/{app.pk}/releases/")
    publish_shown = "text=Publish the saved draft"
    console.click(publish_shown)
    console.click("button:has-text('Publish')")
    assert "Release 1 is live" in console.inner_text(".messagelist")
    App.objects.filter(pk=app.pk).update(preamble="Two.")
    console.click(publish_shown)
    assert "+preamble: Two." in console.inner_text(".aomi-diff")
    App.objects.filter(pk=app.pk).update(preamble="Three.")  # meanwhile
    console.click("button:has-text('Publish')")
    assert "Review the changes again" in console.inner_text(".messagelist")
    assert "+preamble: Three." in console.inner_text(".aomi-diff")
    console.click("button:has-text('Publish')")
    assert "Release 2 is live" in console.inner_text(".messagelist")
    console.click("text=Make release 1 live")
    console.click("button:has-text('Make release 1 live')")
    assert "Release 1 is live" in console.inner_text(".messagelist")
    assert App.objects.get(pk=app.pk).live_release == app.releases.get(number=1)
    broken = app.releases.get(number=2)
    AppRelease.objects.filter(pk=broken.pk).update(content="{")
    console.reload()
    assert "Release 2 cannot be run: what is stored is not JSON." in console.inner_text("#releases")
    App.objects.filter(pk=app.pk).update(live_release=broken)
    console.reload()
    assert "Turns fail with 503" in console.inner_text("#releases")
    console.click("text=History")
    history = console.inner_text("#change-history")
    assert [words in history for words in ("Release 2 is live.", "Release 1 is live.")] == [True, True]
    console.go_back()
    console.click("text=Run the draft again")
    console.click("button:has-text('Run the draft')")
    assert "The draft is live" in console.inner_text(".messagelist")
    assert App.objects.get(pk=app.pk).live_release is None


def test_a_sessions_page_shows_which_release_it_runs(admin_client: Client, app: App) -> None:
    session = factories.make_session(app)

    def shown() -> str:
        page = admin_client.get(f"/admin/sessions_app/chatsession/{session.pk}/change/").content.decode()
        return " ".join(page.split())

    assert "The App&#x27;s draft: it follows what is live." in shown()
    session.release = publish(app)[0]
    session.save()
    App.objects.filter(pk=app.pk).update(preamble="Two.", sessions_keep_release=True)
    publish(app)
    assert "Release 1, which it keeps." in shown()
    App.objects.filter(pk=app.pk).update(sessions_keep_release=False)
    assert "Release 2: it follows what is live." in shown()


def test_a_rollback_is_previewed_and_each_release_says_who_made_it_and_what_changed(
    admin_client: Client, staff_client: Callable[..., Client], operator: Operator, app: App
) -> None:
    pages = f"/admin/apps_registry/app/{app.pk}/"

    def shown(path: str, client: Client = admin_client) -> str:
        return " ".join(client.get(f"{pages}{path}").content.decode().split())

    publish(app)
    App.objects.filter(pk=app.pk).update(preamble="Two.")
    preview = admin_client.get(f"{pages}publish/")
    assert admin_client.post(f"{pages}publish/", {"digest": preview.context["digest"]}).status_code == 302
    listed = shown("releases/").partition('id="releases"')[2]
    assert re.findall(r"<td>(first release|preamble)</td>", listed) == ["preamble", "first release"]
    assert re.findall(r"by <bdi>([^<]+)</bdi>", listed) == [operator.username]  # a command published the other one
    assert "The draft equals release 2." in listed
    going_back = shown("release/1/live/")
    assert "-preamble: Two." in going_back
    assert App.objects.get(pk=app.pk).live_release == app.releases.get(number=2)
    assert admin_client.post(f"{pages}release/", {"what": "1"}).status_code == 302
    listed = shown("releases/").partition('id="releases"')[2]
    assert "The draft equals release 2." in listed
    assert "not published" not in listed
    assert "+preamble: Two." in shown("release/draft/live/")
    assert admin_client.get(f"{pages}release/9/live/").status_code == 404
    assert "preamble" not in shown("release/2/live/", staff_client("change_app", "view_app"))
    assert staff_client("view_app").get(f"{pages}release/2/live/").status_code == 403


def test_operators_who_may_not_change_an_app_cannot_publish_it(
    staff_client: Callable[..., Client], admin_client: Client, app: App
) -> None:
    address = f"/admin/apps_registry/app/{app.pk}/release/"
    assert staff_client("view_app").post(address, {"what": "publish"}).status_code == 403
    assert admin_client.get(address).status_code == 405
    admin_client.post(address, {"what": "7"})
    publishing = f"/admin/apps_registry/app/{app.pk}/publish/"
    assert staff_client("view_app").post(publishing, {"digest": "x"}).status_code == 403
    # The page compares all parts of an App, so it needs the permissions to view all of them.
    assert staff_client("change_app", "view_app").get(publishing).status_code == 403
    seen = ("view_app", "view_tool", "view_mcpserver", "view_document", "view_model")
    assert staff_client("change_app", *seen).get(publishing).status_code == 200
    assert "Review the changes again" in admin_client.post(publishing, {"digest": "x"}).content.decode()
    assert not app.releases.exists()
    assert App.objects.get(pk=app.pk).live_release is None
