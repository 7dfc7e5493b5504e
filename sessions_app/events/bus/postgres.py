"""The bus over LISTEN/NOTIFY of Postgres, which needs no other server.

LISTEN needs its own connection, outside the pool and not through a transaction-pooling proxy. NOTIFY runs outside data
transactions, because it makes commits wait for one another.
"""

from collections.abc import Callable

from psycopg import sql

from apps_registry.support import database
from sessions_app.events.bus.base import BusListener
from sessions_app.events.bus.frames import Assembler, frames
from sessions_app.events.bus.network import CHANNEL, LIVENESS_SECONDS, NetworkBus

NOTIFY = "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload"
ECHO = "SELECT pg_notify(%s, '')"


class PostgresBus(NetworkBus):
    """Carries messages between all workers of one database."""

    advice = "If DATABASE_URL names a pooler, set DATABASE_DIRECT_URL to PostgreSQL's own address."

    async def send(self, messages: list[bytes]) -> None:
        """Send messages with NOTIFY; one over 1 MiB is dropped, and its readers rely on Postgres alone."""
        payloads = [frame for message in messages for frame in frames(message, sender=self.sender)]
        if payloads:
            await database.execute(NOTIFY, [CHANNEL, payloads])

    async def send_echo(self) -> None:
        """Notify our own listening connection, through the pool as ordinary messages do."""
        await database.execute(ECHO, [self.echo_channel])

    async def listen(self, listener: BusListener, connected: Callable[[], None]) -> None:
        """Listen on a separate connection."""
        assembler = Assembler()
        async with await database.connect_directly() as connection:
            for channel in (CHANNEL, self.echo_channel):
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            connected()
            while True:
                async for notification in connection.notifies(timeout=LIVENESS_SECONDS):
                    if notification.channel == self.echo_channel:
                        self.on_echo()
                        continue
                    completed = assembler.add(notification.payload)
                    if completed is not None:
                        sender, message = completed
                        if sender != self.sender:
                            listener.on_message(message)
                self.check_not_deaf()
                await connection.execute("SELECT 1")  # a dead connection may look like a silent one
