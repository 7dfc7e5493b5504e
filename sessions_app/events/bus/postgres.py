"""The bus over Postgres's LISTEN/NOTIFY: nothing to install next to the database.

Listening needs a connection of its own, outside the pool and not through a pooler of transactions.
Notifications are sent outside data transactions, because NOTIFY makes commits wait for one another.
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
        """Notify; a message over 1 MiB is not sent, its hearers re-read Postgres all the same."""
        payloads = [frame for message in messages for frame in frames(message, sender=self.sender)]
        if payloads:
            await database.execute(NOTIFY, [CHANNEL, payloads])

    async def send_echo(self) -> None:
        """Notify our own listening connection, by way of the pool."""
        await database.execute(ECHO, [self.echo_channel])

    async def listen(self, listener: BusListener, connected: Callable[[], None]) -> None:
        """Listen on a connection of its own."""
        assembler = Assembler()
        async with await database.connect_directly() as connection:
            for channel in (CHANNEL, self.echo_channel):
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            connected()
            while True:
                async for notification in connection.notifies(timeout=LIVENESS_SECONDS):
                    if notification.channel == self.echo_channel:
                        self.heard_echo()
                        continue
                    heard = assembler.add(notification.payload)
                    if heard is not None and heard[0] != self.sender:
                        listener.on_message(heard[1])
                self.must_hear()
                await connection.execute("SELECT 1")  # silence may be a connection that died without a word
