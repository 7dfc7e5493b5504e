"""Django's name for this app."""

from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    """Conversation threads and their turns."""

    name = "sessions_app"
    verbose_name = "Sessions"
