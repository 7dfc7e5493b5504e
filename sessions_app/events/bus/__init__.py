"""The bus: what happens on one worker, told to the others. In memory, by Postgres, or by Redis."""

from django.conf import settings

from sessions_app.events.bus.base import Bus
from sessions_app.events.bus.memory import MemoryBus
from sessions_app.events.bus.postgres import PostgresBus


def make_bus() -> Bus:
    """Return the bus that the settings name."""
    if settings.BUS == "redis":
        # The package is an extra: it is needed for this bus only.
        from sessions_app.events.bus.redis import RedisBus  # noqa: PLC0415

        return RedisBus(settings.REDIS_URL)
    return MemoryBus() if settings.BUS == "memory" else PostgresBus()
