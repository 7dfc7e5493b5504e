"""Django's configuration of the site itself, which provides the quickstart command."""

from django.apps import AppConfig


class AomiSiteConfig(AppConfig):
    """Settings, start-up and the embedded components."""

    name = "aomi_site"
