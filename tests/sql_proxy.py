"""A wire-level proxy in front of Postgres that counts a process's round trips and records its statements."""

import asyncio
import threading
import urllib.parse
from collections.abc import Callable


class SqlProxy:
    """Listens on loopback TCP and forwards everything to the Postgres of a database URL."""

    def __init__(self, database_url: str) -> None:
        parts = urllib.parse.urlsplit(database_url)
        hosts = urllib.parse.parse_qs(parts.query).get("host")
        self._target = (hosts[0] if hosts else parts.hostname or "127.0.0.1", parts.port or 5432)
        self.round_trips = 0
        self.statements: list[str] = []
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sql-proxy", daemon=True)
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        user = f"{parts.username or ''}:{parts.password or ''}"
        self.url = f"postgresql://{user}@127.0.0.1:{port}{parts.path}"

    def fewest(self, work: Callable[[], object], *, times: int = 5) -> int:
        """Return the fewest round trips that some work takes; the minimum excludes the server's background work."""
        counts = []
        for _ in range(times):
            before = self.round_trips
            work()
            counts.append(self.round_trips - before)
        return min(counts)

    def cut(self) -> None:
        """Break every connection and refuse new ones, like a stopping Postgres."""
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._break_all)

    def restore(self) -> None:
        """Accept connections again."""
        self._is_cut = False

    def _break_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def close(self) -> None:
        async def cancel_all() -> None:
            self._server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(cancel_all(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        if self._is_cut:
            client_out.transport.abort()
            return
        host, port = self._target
        connecting = (
            asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
            if host.startswith("/")
            else asyncio.open_connection(host, port)
        )
        server_in, server_out = await connecting
        self._writers |= {client_out, server_out}
        try:
            await asyncio.gather(self._count(client_in, server_out), _pass_on(server_in, client_out))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._writers -= {client_out, server_out}
            server_out.close()
            client_out.close()

    async def _count(self, client_in: asyncio.StreamReader, server_out: asyncio.StreamWriter) -> None:
        is_startup = True
        while True:
            kind = b"" if is_startup else await client_in.readexactly(1)
            length = await client_in.readexactly(4)
            body = await client_in.readexactly(int.from_bytes(length, "big") - 4)
            # Another startup message follows an SSLRequest or GSSENCRequest.
            is_startup = is_startup and body[:2] == b"\x04\xd2"
            # The client sends Query or Sync last, before it waits for a response:
            # https://www.postgresql.org/docs/current/protocol-message-formats.html
            self.round_trips += kind in (b"Q", b"S")
            if kind in (b"Q", b"P"):  # Parse has the statement's name before its text
                self.statements.append(body.split(b"\0")[kind == b"P"].decode())
            server_out.write(kind + length + body)
            await server_out.drain()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
    raise asyncio.IncompleteReadError(b"", None)
