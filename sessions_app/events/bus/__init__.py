"""The bus that carries events between workers: in memory, over Postgres or over Redis."""

from django.conf import settings

from sessions_app.events.bus.base import Bus
from sessions_app.events.bus.memory import MemoryBus
from sessions_app.events.bus.postgres import PostgresBus


def make_bus() -> Bus:
    """Return the bus that the settings name."""
    if settings.BUS == "redis":
        # The redis package is an optional extra, which only this bus needs.
        from sessions_app.events.bus.redis import RedisBus  # noqa: PLC0415

        return RedisBus(settings.REDIS_URL)
    return MemoryBus() if settings.BUS == "memory" else PostgresBus()
