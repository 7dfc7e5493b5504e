"""The configuration of Python's logging: one handler, which writes lines to stderr."""

import sys
from typing import Any


def logging_config(level: str) -> dict[str, Any]:
    """Return the value of Django's setting LOGGING.

    Args:
        level: the lowest level that is written.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_query": {"()": "aomi_site.health.logs.NoRequestText"}},
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": sys.stderr,
                "formatter": "line",
                "filters": ["no_query"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.security.DisallowedHost": {"level": "CRITICAL"},  # otherwise a traceback for every passing scanner
            "axes": {"level": "ERROR"},  # otherwise a line per failed login; aomi.logins logs each lock
            # At lower levels, these print requests: prompts, query strings, keys.
            **{name: {"level": "WARNING"} for name in ("django.template", "openai", "httpx2", "httpcore2", "aiohttp")},
        },
    }
