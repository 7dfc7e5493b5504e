"""The pages of which pictures are taken. To add one, add a line to PAGES."""

from dataclasses import dataclass

from screenshots.content.scripted_model import ANSWERS


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the console.

    Attributes:
        name: the name of its picture.
        path: its path below /admin/; names in braces are those of `screenshots.content.filling.Content`.
        wait_for: a CSS selector that the page has once it is complete.
        hover: a CSS selector of the element under the pointer; empty: none.
        messages: what is sent in the playground, each after the answer to the one before it.
    """

    name: str
    path: str
    wait_for: str = "h1"
    hover: str = ""
    messages: tuple[str, ...] = ()


PAGES = (
    Page("overview", ""),
    Page("app", "apps_registry/app/{app}/change/"),
    Page("playground", "apps_registry/app/{app}/playground/", "#message", messages=tuple(ANSWERS)),
    Page("keys", "keys/appkey/", "#result_list"),
    Page("key", "keys/appkey/{key}/change/"),
    Page("conversations", "sessions_app/chatsession/", "#result_list"),
    Page("conversation", "sessions_app/chatsession/{session}/change/"),
    Page("turn", "sessions_app/turn/{turn}/change/", "#timeline"),
    Page("refusal", "keys/refusal/{refusal}/change/"),
    Page("usage", "usage/"),
)
# The picture in the README.
FIRST = "conversation"
