"""The tabs of an App's page: what each shows, and who may see it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from apps_registry.admin.app_tabs import panels
from apps_registry.admin.app_tabs.inlines import AlternativesInline, ClientToolsInline, SecretsInline
from apps_registry.models import App


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of an App's page.

    Attributes:
        name: the last part of its URL; "change" is the page that other pages link to.
        label: its title.
        context: returns what its template shows besides the form.
        fieldsets: titles of the AppAdmin.fieldsets in its form; None: all that are in no other tab.
        inlines: its tables of rows that belong to the App.
        permissions: one of these is needed in addition to those for Apps; empty: all who may view Apps see it.
    """

    name: str
    label: str
    context: Callable[[HttpRequest, App], dict[str, Any]]
    fieldsets: Sequence[str] | None = ()
    inlines: Sequence[Any] = ()
    permissions: tuple[str, ...] = ()

    @property
    def has_form(self) -> bool:
        """Whether it can be saved."""
        return self.fieldsets is None or bool(self.fieldsets)

    @property
    def url_name(self) -> str:
        return f"admin:apps_registry_app_{self.name}"

    @property
    def template(self) -> str:
        """The path of the template that shows its content other than the form."""
        return f"admin/apps_registry/app/tabs/{self.name}.html"

    def is_open_to(self, user: Any) -> bool:
        """Tell whether an operator who may view the App may see this tab."""
        return not self.permissions or any(user.has_perm(permission) for permission in self.permissions)


OVERVIEW = Tab("change", "Overview", panels.overview)
TABS = (
    OVERVIEW,
    Tab("prompt", "Prompt", panels.prompt, ("Prompt",)),
    Tab("models", "Models", panels.models, ("Model", "Sampling"), (AlternativesInline,)),
    Tab("tools", "Tools", panels.tools, ("Tools",), (ClientToolsInline, SecretsInline)),
    Tab("documents", "Documents", panels.documents, ("Documents",)),
    Tab("keys", "Keys", panels.keys, permissions=("keys.view_appkey",)),
    Tab("releases", "Releases", panels.releases, ("Releases",)),
    Tab("usage", "Usage", panels.usage, permissions=("keys.view_usage",)),
    Tab("settings", "Settings", panels.settings, None),
)


def fields_of(tab: Tab, fieldsets: Sequence[Any]) -> list[Any]:
    """Return the fieldsets of a tab's form, in the order that the tab lists them.

    Args:
        tab: the tab.
        fieldsets: all fieldsets of an App.
    """
    if tab.fieldsets is None:
        taken = {title for other in TABS for title in other.fieldsets or ()}
        return [fieldset for fieldset in fieldsets if fieldset[0] not in taken]
    by_title = {fieldset[0]: fieldset for fieldset in fieldsets}
    return [by_title[title] for title in tab.fieldsets]
