"""An App's history shows who did what to its parts, and remains after the operator has left."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps_registry.models import App, Tool
from tests import factories
from tests.admin.test_app_pages import page as app_page
from tests.admin.test_app_pages import tools_form
from tests.admin.test_tool_pages import form as tool_form
from tests.conftest import Operator

TOOLS, DOCUMENTS = "/admin/apps_registry/tool/", "/admin/apps_registry/document/"


def secret(number: int, **more: object) -> dict[str, object]:
    counts = {"secrets-TOTAL_FORMS": number, "secrets-INITIAL_FORMS": len(more)}
    return {
        **counts,
        "secrets-0-name": "API_KEY",
        "secrets-0-value": f"value-{number}-of-it",
        "secrets-0-hosts": "a.example",
        **more,
    }


def test_an_apps_history_shows_what_was_done_to_its_parts(admin_client: Client, app: App, operator: Operator) -> None:
    admin_client.post(f"{TOOLS}add/", tool_form(app))
    tool = Tool.objects.get(app=app, name="fetch")
    changed = tool_form(app, description="Fetches something else.")
    admin_client.post(f"{TOOLS}{tool.pk}/change/", changed)
    admin_client.post(f"{TOOLS}{tool.pk}/change/", changed)  # which changes nothing
    admin_client.post(app_page(app, "tools"), tools_form(app, **secret(1), builtin_tools=["calculate"]))
    admin_client.post(f"{DOCUMENTS}add/", {"app": app.pk, "uploads": SimpleUploadedFile("a.txt", b"alpha")})
    document = app.documents.get()
    admin_client.post(f"{DOCUMENTS}{document.pk}/ingest/")
    admin_client.post(f"{DOCUMENTS}{document.pk}/delete/", {"post": "yes"})
    admin_client.post(TOOLS, {"action": "delete_selected", "_selected_action": [tool.pk], "post": "yes"})
    entries = list(admin_client.get(app_page(app, "history")).context["action_list"])
    assert {entry.user.username for entry in entries} == {operator.username}
    assert [entry.get_change_message() for entry in entries] == [
        "Added tool “fetch”.",
        "Changed description for tool “fetch”.",
        "Changed Built-in tools. Added secret “API_KEY”.",
        "Added document “a.txt”.",
        "Document “a.txt”: Ingested again.",
        "Deleted document “a.txt”.",
        "Deleted tool “fetch”.",
    ]


def test_an_operator_is_deactivated_and_not_deleted(admin_client: Client, staff_client: Callable[..., Client]) -> None:
    leaver = staff_client("view_app")
    user = User.objects.order_by("-pk")[0]
    page = f"/admin/auth/user/{user.pk}/"
    assert 'class="deletelink"' not in admin_client.get(f"{page}change/").content.decode()
    assert admin_client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    fields = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
    admin_client.post("/admin/auth/user/", fields)
    assert leaver.get("/admin/").status_code == 200
    fields = {"username": user.username, "is_staff": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    assert admin_client.post(f"{page}change/", fields).status_code == 302
    assert leaver.get("/admin/").status_code == 302  # redirected to the login, from the next request on
    assert not User.objects.get(pk=user.pk).is_active


def test_the_page_warns_of_tools_that_the_model_cannot_call(admin_client: Client) -> None:
    deaf, able = factories.make_model(supports_tools=False), factories.make_model()
    app = factories.make_app(default_model=deaf)
    assert f"{deaf.name} does not call tools" in admin_client.get(app_page(app)).content.decode()
    listed = admin_client.get(f"/admin/apps_registry/app/?q={app.slug}").content.decode()
    assert "not called" in listed
    App.objects.filter(pk=app.pk).update(default_model=able)
    assert "no-tools-notice" not in admin_client.get(app_page(app)).content.decode()
    app.alternatives.add(deaf)
    assert "does not call tools, so it answers" in admin_client.get(app_page(app)).content.decode()
