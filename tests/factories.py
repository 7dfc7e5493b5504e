"""Creates rows for tests, with unique names: tests share one database and never empty it."""

import functools
import uuid
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from apps_registry.builtin_tools.registry import USUAL_TOOLS
from apps_registry.models import App, AppModel, Document, Model, Provider, Secret, Tool
from apps_registry.retrieval.uploads import add_upload
from keys.models import AppKey
from keys.services import IssuedKey, issue_key
from sessions_app.models import ChatSession, Message, Turn
from tests.definitions import make_definition


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def make_model(base_url: str = "http://127.0.0.1:9/v1", **overrides: Any) -> Model:
    name = unique("model")
    provider = overrides.pop("provider", None) or Provider.objects.create(slug=unique("p"), base_url=base_url)
    return Model.objects.create(**{"name": name, "provider": provider, "provider_model_id": name, **overrides})


def make_app(*, base_url: str = "http://127.0.0.1:9/v1", **overrides: Any) -> App:
    """Return an App with its own model and the built-in tools of a new App."""
    model = overrides.pop("default_model", None) or make_model(base_url)
    alternatives = overrides.pop("alternatives", [])
    slug = unique("app")
    # No titles or summaries, so that a scripted model gets only the requests that the test makes. Tests that read a
    # session's updates also wait for the reply.
    fields = {
        "slug": slug,
        "name": f"App {slug}",
        "default_model": model,
        "makes_titles": False,
        "summarises_history": False,
        "reply_wait_seconds": 30,
    }
    fields |= overrides
    app = App.objects.create(**fields)
    for position, alternative in enumerate(alternatives):
        AppModel.objects.create(app=app, model=alternative, position=position)
    Tool.objects.bulk_create(Tool(app=app, name=name) for name in USUAL_TOOLS)
    return app


def make_http_tool(app: App, url: str, **overrides: Any) -> Tool:
    definition = make_definition(url, **overrides)
    tool = Tool(app=app)
    tool.set_http_definition(definition)
    tool.save()
    return tool


def make_secret(app: App, name: str, value: str, *, hosts: str = "") -> Secret:
    """Return a secret for these hosts; by default for none."""
    secret = Secret(app=app, name=name, hosts=hosts)
    secret.set_value(value)
    secret.save()
    return secret


def make_document(app: App, content: str = "", **overrides: Any) -> Document:
    """Return a queued document, which a server's worker will ingest."""
    name = unique("document") + ".txt"
    (outcome,) = add_upload(app, **{"name": name, "data": (content or name).encode(), **overrides})
    assert outcome.document is not None, outcome.note
    return outcome.document


def make_key(*apps: App, **overrides: Any) -> IssuedKey:
    expires_at = overrides.pop("expired_at", None)
    issued = issue_key(apps=apps, **{"label": unique("key"), **overrides})
    if expires_at is not None:  # issuing refuses an expiry in the past
        AppKey.objects.filter(pk=issued.app_key.pk).update(expires_at=expires_at)
    return issued


def make_session(app: App | None, messages: list[tuple[str, str]] = (), **overrides: Any) -> ChatSession:  # type: ignore[assignment]
    """Return a session with (role, text) messages; every user message begins a turn."""
    session = ChatSession.objects.create(
        **{"app": app, "version": 1, "next_position": len(messages), "title": "A session", **overrides}
    )
    turn = None
    for position, (role, content) in enumerate(messages):
        if role == "user" and app is not None:
            turn = Turn.objects.create(session=session, app=app, model="m", status=Turn.Status.COMPLETED)
        Message.objects.create(session=session, turn=turn, position=position, role=role, content=content)
    return session


# A strong hash is slow, so the tests' operators share one.
hashed = functools.cache(make_password)


def make_operator(*, password: str = "correct horse battery staple", **overrides: Any) -> User:
    fields = {"is_staff": True, "is_superuser": True, **overrides}
    return User.objects.create(username=unique("operator"), password=hashed(password), **fields)
