"""The bus over Postgres's LISTEN/NOTIFY: nothing to install beside the database.

Listening wants a connection of its own, outside the pool and not through a proxy that pools transactions.
Notifications are sent outside data transactions, because NOTIFY makes commits wait for one another.
"""

from collections.abc import Callable

import psycopg
from psycopg import sql

from apps_registry import database
from sessions_app.bus.base import BusListener
from sessions_app.bus.frames import Assembler, frames
from sessions_app.bus.network import CHANNEL, LIVENESS_SECONDS, NetworkBus

NOTIFY = "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload"


class PostgresBus(NetworkBus):
    """Carries messages between all workers of one database."""

    lost = (psycopg.Error, *database.DATABASE_DOWN, OSError)

    async def send(self, messages: list[bytes]) -> None:
        """Notify; a message over 1 MiB is not sent, its hearers re-read Postgres all the same."""
        payloads = [frame for message in messages for frame in frames(message, sender=self.sender)]
        if payloads:
            await database.execute(NOTIFY, [CHANNEL, payloads])

    async def listen(self, listener: BusListener, connected: Callable[[], None]) -> None:
        """Listen on a connection of its own."""
        assembler = Assembler()
        async with await database.connect() as connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            connected()
            while True:
                async for notification in connection.notifies(timeout=LIVENESS_SECONDS):
                    heard = assembler.add(notification.payload)
                    if heard is not None and heard[0] != self.sender:
                        listener.on_message(heard[1])
                await connection.execute("SELECT 1")  # silence may be a connection that died without a word
