"""What the server has learnt about the current request, for the record of its refusal.

The code that refuses a call notes why; aomi_site/application.py sees the status of the response and records both. So
one place records every refusal, and a response never depends on these notes.
"""

import re
from contextvars import ContextVar
from dataclasses import dataclass, field

Fact = str | int | float | bool
# A caller may send anything as the name of an App; text that cannot be one, such as a key, is not kept.
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)


@dataclass(slots=True)
class RequestNotes:
    """Notes on one request. None of them is ever a key, a message or other content.

    Attributes:
        rule: the stable word for the rule that refused; see `keys/refusals/rules.py`.
        code: the error code of the response.
        key_id: the AppKey that the presented key names, even if the key is not valid.
        is_holder: whether that key was valid.
        app: the slug of the App that the caller asked for, or of the session's App.
        status: the status of the refusal, if the protocol hides it in a response with another one; 0 otherwise.
        facts: what the rule compared, such as a limit.
    """

    rule: str = ""
    code: str = ""
    key_id: int | None = None
    is_holder: bool = False
    app: str = ""
    status: int = 0
    facts: dict[str, Fact] = field(default_factory=dict)


_current: ContextVar[RequestNotes | None] = ContextVar("request_notes", default=None)


def begin_notes() -> RequestNotes:
    """Start the notes of the request of this task and return them."""
    notes = RequestNotes()
    _current.set(notes)
    return notes


def request_notes() -> RequestNotes:
    """Return the notes of the current request; outside a request, notes that nobody reads."""
    return _current.get() or RequestNotes()


def note_refusal(rule: str, **facts: Fact) -> None:
    """Note which rule refuses the current request, unless one is noted already: the first is the cause."""
    notes = request_notes()
    if not notes.rule:
        notes.rule = rule
        notes.facts.update(facts)


def note_key(key_id: int | None, *, is_holder: bool) -> None:
    """Note which App key the current request presents."""
    notes = request_notes()
    notes.key_id, notes.is_holder = key_id, is_holder


def note_app(slug: object) -> None:
    """Note the App that the caller asks for; text that cannot be the name of an App is ignored."""
    if isinstance(slug, str) and _SLUG.fullmatch(slug):
        request_notes().app = slug
