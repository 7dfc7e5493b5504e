"""Django's name for the site itself: it brings the quickstart command."""

from django.apps import AppConfig


class AomiSiteConfig(AppConfig):
    """Settings, start-up and the embedded parts."""

    name = "aomi_site"
