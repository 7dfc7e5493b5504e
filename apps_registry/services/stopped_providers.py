"""Providers whose key variable may not go to their address."""

import logging
from contextlib import suppress

from django.db import DatabaseError

from apps_registry.credentials.provider_key import variable_problem
from apps_registry.models import Provider

logger = logging.getLogger("aomi.providers")


def stopped_providers() -> list[str]:
    """Return, in words, each provider whose key variable may not go to its address."""
    named = Provider.objects.filter(api_key_token="").exclude(api_key_env="").order_by("slug")
    problems = {row.slug: variable_problem(row.api_key_env, row.base_url, row.key.variables) for row in named}
    return [f"the provider {slug} cannot be called: {problem}" for slug, problem in problems.items() if problem]


def warn_of_stopped_providers() -> None:
    """Log what `stopped_providers` finds; a database that cannot be asked is told of elsewhere."""
    with suppress(DatabaseError):
        for words in stopped_providers():
            logger.warning("%s", words)
