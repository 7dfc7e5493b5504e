"""The Django app config."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """The turn engine and the HTTP API."""

    name = "chat"
