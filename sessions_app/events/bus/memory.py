"""The bus of a single process, which has no other workers."""

from sessions_app.events.bus.base import BusListener


class MemoryBus:
    """Does nothing: all readers are in this process, and the hub serves them directly."""

    is_deaf = False

    async def start(self, listener: BusListener) -> None:
        """Do nothing: there is nothing to connect to."""

    def publish(self, message: bytes) -> None:
        """Do nothing: there are no other workers."""

    async def stop(self) -> None:
        """Do nothing: there is nothing to disconnect."""
