"""Django's configuration of this app."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """App keys."""

    name = "keys"
    verbose_name = "Keys"
