"""The bus over Redis or Valkey pub/sub, for many machines."""

from collections.abc import Callable

from redis.asyncio import Redis

from sessions_app.events.bus.base import BusListener
from sessions_app.events.bus.network import CHANNEL, LIVENESS_SECONDS, NetworkBus


class RedisBus(NetworkBus):
    """Carries messages between all workers of one Redis."""

    advice = "Its server is at REDIS_URL."

    def __init__(self, url: str) -> None:
        """Create the client without connecting.

        Args:
            url: such as redis://host:6379/0.
        """
        super().__init__()
        self._name = self.sender.encode()
        self._echo = self.echo_channel.encode()
        self._redis = Redis.from_url(url, health_check_interval=LIVENESS_SECONDS, socket_connect_timeout=5)

    async def send(self, messages: list[bytes]) -> None:
        """Publish all messages in one round trip."""
        if messages:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for message in messages:
                    pipeline.publish(CHANNEL, self._name + message)
                await pipeline.execute()

    async def send_echo(self) -> None:
        """Publish to our own subscription."""
        await self._redis.publish(self.echo_channel, b"")

    async def listen(self, listener: BusListener, connected: Callable[[], None]) -> None:
        """Subscribe on a separate connection."""
        async with self._redis.pubsub() as subscription:
            await subscription.subscribe(CHANNEL, self.echo_channel)
            while True:
                received = await subscription.get_message(timeout=LIVENESS_SECONDS)
                match received:
                    case None:
                        self.check_not_deaf()
                        await subscription.ping()  # a dead connection may look like a silent one
                    case {"type": "subscribe", "channel": self._echo}:
                        connected()
                    case {"type": "message", "channel": self._echo}:
                        self.on_echo()
                    case {"type": "message", "data": bytes(data)} if not data.startswith(self._name):
                        listener.on_message(data[len(self._name) :])

    async def stop(self) -> None:
        """Send what is queued and close the connections."""
        await super().stop()
        await self._redis.aclose()
