"""Django's name for this app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """The turn engine and the HTTP API."""

    name = "chat"
