"""Finds providers whose key variable must not be sent to their address."""

import logging
from contextlib import suppress

from django.db import DatabaseError

from apps_registry.credentials.provider_key import variable_problem
from apps_registry.models import Provider

logger = logging.getLogger("aomi.providers")


def stopped_providers() -> list[str]:
    """Return one phrase for each provider whose key variable must not be sent to its address."""
    providers = Provider.objects.filter(api_key_token="").exclude(api_key_env="").order_by("slug")
    problems = {row.slug: variable_problem(row.api_key_env, row.base_url, row.key.variables) for row in providers}
    return [f"the provider {slug} cannot be called: {problem}" for slug, problem in problems.items() if problem]


def warn_of_stopped_providers() -> None:
    """Log the result of `stopped_providers`; database errors are reported elsewhere."""
    with suppress(DatabaseError):
        for problem in stopped_providers():
            logger.warning("%s", problem)
