"""When, for which App and from where each key was last used.

A request only notes its use in memory; a task writes what was noted, in one statement for all keys, about a second
later and at most once a minute for each key. So no request waits for it, and no round trip is added to any.
"""

import asyncio
from dataclasses import dataclass

from apps_registry.support import database
from apps_registry.support.database_errors import is_transient
from apps_registry.support.forever import forever

# Long enough to learn the App of a noted call, and to write the uses of many keys together.
WRITE_SECONDS = 1.0

# Skips a locked row: another worker is writing that key's use, or an operator is changing the key.
WRITE_USES = """
WITH used AS (
    SELECT * FROM unnest(%(keys)s::bigint[], %(apps)s::bigint[], %(addresses)s::text[]) AS t(key, app, address)
), stale AS (
    SELECT id FROM keys_appkey WHERE id = ANY(%(keys)s::bigint[])
        AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE keys_appkey key SET
    last_used_at = clock_timestamp(), last_used_address = used.address,
    last_used_app_id = (SELECT app.id FROM apps_registry_app app WHERE app.id = used.app)
FROM used JOIN stale ON stale.id = used.key
WHERE key.id = used.key
"""


@dataclass(slots=True)
class _Use:
    """A use that is not written yet.

    Attributes:
        app_id: None until the call has named its App.
        has_waited: whether one round of writing has left it out, because it had no App yet.
    """

    address: str
    app_id: int | None = None
    has_waited: bool = False


class KeyUses:
    """The uses of keys that one worker has not written yet."""

    def __init__(self) -> None:
        self._noted: dict[int, _Use] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, key_id: int, address: str) -> None:
        """Note the use of a key whose last written use is more than a minute old.

        Args:
            key_id: the AppKey's id.
            address: the network address of the caller.
        """
        if (use := self._noted.get(key_id)) is not None:
            use.address = address
        else:
            self._noted[key_id] = _Use(address)
        if self._task is None or self._task.done():
            writing = forever("key-uses", self.write, every=WRITE_SECONDS, goes_on=lambda: bool(self._noted))
            self._task = asyncio.create_task(writing, name="key-uses")

    def note_app(self, key_id: int | None, app_id: int) -> None:
        """Add the App of the call to the noted use, if there is one."""
        if key_id is not None and (use := self._noted.get(key_id)) is not None:
            use.app_id = app_id

    async def write(self, *, everything: bool = False) -> None:
        """Write what was noted. While Postgres cannot write, uses are dropped: they must not lock out valid keys.

        Args:
            everything: also uses without an App that were noted since the last round.
        """
        # The App of a call is known a little later than its key; a call about no App waits one round in vain.
        early = {
            key_id: use
            for key_id, use in self._noted.items()
            if use.app_id is None and not use.has_waited and not everything
        }
        noted = {key_id: use for key_id, use in self._noted.items() if key_id not in early}
        self._noted = early
        for use in early.values():
            use.has_waited = True
        if not noted:
            return
        apps, addresses = [use.app_id for use in noted.values()], [use.address for use in noted.values()]
        try:
            await database.execute(WRITE_USES, {"keys": list(noted), "apps": apps, "addresses": addresses})
        except Exception as error:
            if not is_transient(error):
                raise


key_uses = KeyUses()
