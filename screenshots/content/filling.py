"""Fills an empty database, and returns the ids of the rows to show."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from screenshots.content.conversations import Conversations
from screenshots.content.faults import fill_faults
from screenshots.content.keys import fill_keys
from screenshots.content.registry import fill_registry


@dataclass(frozen=True, slots=True)
class Content:
    """The ids of rows that pages show; paths of pages name them in braces."""

    app: int
    key: int
    session: str
    turn: str
    refusal: int
    model: int


def fill(model_url: str) -> Content:
    """Fill the database, which must be migrated and empty; return the rows that pages show.

    Args:
        model_url: the base URL of the provider of every model.
    """
    now = timezone.now()
    operator = User.objects.create_superuser("operator")
    apps = fill_registry(model_url)
    keys = fill_keys(apps, operator, now)
    session, turn = Conversations(apps, keys, now).fill()
    refusal = fill_faults(apps["support"], keys, now)
    return Content(
        app=apps["support"].pk,
        key=keys["Web shop"].pk,
        session=str(session.pk),
        turn=str(turn.pk),
        refusal=refusal.pk,
        model=apps["support"].default_model_id,
    )


def log_in() -> str:
    """Return the cookie of a login as the operator."""
    client = Client()
    client.force_login(User.objects.get(username="operator"))
    return client.cookies[settings.SESSION_COOKIE_NAME].value
