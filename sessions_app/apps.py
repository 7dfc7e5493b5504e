"""The Django app config."""

from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    """Config of the app that stores sessions and their turns."""

    name = "sessions_app"
    verbose_name = "Sessions"
