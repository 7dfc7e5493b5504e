"""Django's configuration of the admin console."""

from collections.abc import Sequence
from typing import Any

from axes.apps import AppConfig as AxesConfig
from django.apps import AppConfig
from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class ConsoleConfig(SimpleAdminConfig):
    """Django's admin, which loads its pages with the URLs: commands need no pages, and start a third faster."""

    def ready(self) -> None:
        """Make the system checks load the pages that they examine."""
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_pages, checks.Tags.admin)


class LoginsConfig(AxesConfig):  # type: ignore[misc]  # it comes without types
    """django-axes, with a name that operators understand."""

    verbose_name = "Logins"


def _check_pages(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    autodiscover()
    return list(check_admin_app(app_configs, **kwargs))
