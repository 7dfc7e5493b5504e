"""Releases at the console."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from apps_registry.models import App
from tests.product import Server

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.browser
def test_an_app_is_published_and_rolled_back_in_one_click(console: "Page", server: Server, app: App) -> None:
    console.goto(f"{server.url}/admin/apps_registry/app/{app.pk}/change/")
    console.click("button[value=publish]")
    assert "Release 1 is live" in console.inner_text(".messagelist")
    App.objects.filter(pk=app.pk).update(preamble="Two.")
    console.click("button[value=publish]")
    assert "Release 2 is live" in console.inner_text(".messagelist")
    console.click("text=Make release 1 live")
    assert "Release 1 is live" in console.inner_text(".messagelist")
    assert App.objects.get(pk=app.pk).live_release == app.releases.get(number=1)
    console.click("button[value=draft]")
    assert "The draft is live" in console.inner_text(".messagelist")
    assert App.objects.get(pk=app.pk).live_release is None


def test_who_may_not_change_an_app_publishes_nothing(
    staff_client: Callable[..., Client], admin_client: Client, app: App
) -> None:
    address = f"/admin/apps_registry/app/{app.pk}/release/"
    assert staff_client("view_app").post(address, {"what": "publish"}).status_code == 403
    assert admin_client.get(address).status_code == 405
    admin_client.post(address, {"what": "7"})
    assert not app.releases.exists()
    assert App.objects.get(pk=app.pk).live_release is None
