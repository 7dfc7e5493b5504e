"""Which tabs of an App's page hold the settings and lists in which its draft differs from a release."""

from collections.abc import Iterable

from apps_registry.admin.app_tabs.fieldsets import FIELDSETS

# In the order of the tabs, with the sections of their forms. Other settings that a release holds are on Settings.
SECTIONS = {"prompt": ("Prompt",), "models": ("Model", "Sampling"), "tools": ("Tools",), "documents": ("Documents",)}
LISTS = {
    "alternative_models": "models",
    "http_tools": "tools",
    "client_tools": "tools",
    "mcp_servers": "tools",
}


def changed_tabs(differing: Iterable[str]) -> list[tuple[str, str]]:
    """Return the tabs to look at, in their order: the name of the tab's URL, and its title in a sentence.

    Args:
        differing: names of settings and lists, as App files have them.
    """
    names = {_tab_of(name) for name in differing}
    return [(f"admin:apps_registry_app_{tab}", tab) for tab in (*SECTIONS, "settings") if tab in names]


def _tab_of(name: str) -> str:
    if name in LISTS:
        return LISTS[name]
    section = next((title for title, options in FIELDSETS if name in options["fields"]), "")
    return next((tab for tab, sections in SECTIONS.items() if section in sections), "settings")
