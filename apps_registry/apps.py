"""Django's name for this app."""

from django.apps import AppConfig


class AppsRegistryConfig(AppConfig):
    """Apps, models, tools and documents."""

    name = "apps_registry"
    verbose_name = "Apps"
