"""Reads what a request needs to know about its key, and what open streams may still do, each with one statement."""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from psycopg.rows import TupleRow

from apps_registry.support import database
from apps_registry.support.http.request_sources import limits_of
from keys.callers import Caller, ChannelKind, channel_of_key
from keys.tokens.bounds import TokenBounds, TokenConditions
from keys.tokens.signing_keys import IS_VALID
from keys.usability import usable_sql


class KeyRow(NamedTuple):
    """What one indexed read returns of a presented key; the columns' SQL is in _KEY_COLUMNS, by field.

    Attributes:
        revision: of the registry; the only value if there is no such key.
        key_id: the AppKey's id; None: no key has the lookup id.
        is_usable: whether the key is neither revoked nor expired.
        app_ids: the Apps in its scope.
        is_stale: whether the time of its last use must be written.
        channel, release_id: its channel.
        is_revoked: whether the key is revoked, for the record of a refusal.
        canary_id: the CanaryKey that has the lookup id instead.
        allowed_origins: websites whose pages may use it, one per line; empty: any.
        allowed_networks: addresses and networks from which it may be used, one per line; empty: any.
    """

    revision: int
    key_id: int | None
    secret_hash: str
    secret_check: str | None
    is_usable: bool
    app_ids: list[int]
    is_stale: bool
    channel: ChannelKind
    release_id: int | None
    is_revoked: bool | None
    canary_id: int | None
    allowed_origins: str
    allowed_networks: str

    def admits(self, token: TokenBounds | None, conditions: TokenConditions) -> bool:
        """Whether this key, if usable, admits those that present it (None) or a token of it."""
        return token is None or not conditions.broken_rule(token, self.app_ids)

    def caller(self, *, address: str, token: TokenBounds | None = None) -> Caller:
        """Return the caller that presents this key, or a token of it.

        Args:
            address: the caller's network.
            token: what the token says.
        """
        return Caller(
            key_id=self.key_id,
            app_ids=frozenset() if token else frozenset(self.app_ids),
            revision=self.revision,
            address=address,
            channel=channel_of_key(self.channel, self.release_id),
            token=token,
            key_sources=limits_of(self.allowed_origins, self.allowed_networks),
        )


_SCOPE = "ARRAY(SELECT scope.app_id FROM keys_appkey_apps scope WHERE scope.appkey_id = key.id)"
_KEY_COLUMNS = {
    "revision": "revision.number",
    "key_id": "key.id",
    "secret_hash": "key.secret_hash",
    "secret_check": "key.secret_check",
    "is_usable": usable_sql(),
    "app_ids": _SCOPE,
    "is_stale": "key.last_used_at IS NULL OR key.last_used_at < clock_timestamp() - interval '1 minute'",
    "channel": "key.channel",
    "release_id": "key.release_id",
    "is_revoked": "key.revoked_at IS NOT NULL",
    "canary_id": "canary.id",
    "allowed_origins": "key.allowed_origins",
    "allowed_networks": "key.allowed_networks",
}
_COLUMNS = ", ".join(_KEY_COLUMNS[name] for name in KeyRow._fields)
# The fields of TokenConditions: what a token depends on in addition to a usable key.
_CONDITIONS = f"""extract(epoch FROM clock_timestamp())::float,
    ARRAY(SELECT signer.id FROM keys_tokensigningkey signer WHERE {IS_VALID}),
    (SELECT app.id FROM apps_registry_app app WHERE app.is_default)"""
# This statement also reads the revision, so that a warm request needs no other read.
READ_KEY = f"""
SELECT {_COLUMNS}
FROM apps_registry_registryrevision revision
LEFT JOIN keys_appkey key ON key.lookup_id = %(lookup_id)s
LEFT JOIN keys_canarykey canary ON canary.lookup_id = %(lookup_id)s
"""
READ_KEY_OF_TOKEN = f"""
SELECT {_COLUMNS}, {_CONDITIONS}
FROM apps_registry_registryrevision revision
LEFT JOIN keys_appkey key ON key.lookup_id = %(lookup_id)s
LEFT JOIN keys_canarykey canary ON canary.lookup_id = %(lookup_id)s
"""
READ_CALLERS = f"""
SELECT {_COLUMNS}, {_CONDITIONS}
FROM apps_registry_registryrevision revision
LEFT JOIN keys_appkey key ON key.id = ANY(%s) AND {usable_sql()}
LEFT JOIN keys_canarykey canary ON false
"""


def split(row: TupleRow) -> tuple[KeyRow, TokenConditions]:
    """Return the two parts of a row of _COLUMNS and _CONDITIONS."""
    count = len(KeyRow._fields)
    return KeyRow(*row[:count]), TokenConditions(*row[count:])


async def callers_now(callers: Collection[Caller]) -> dict[Caller, Caller]:
    """Return these callers as they are now, with unchanged sources; a caller without a key is always included.

    Callers whose key was revoked, was deleted or has expired, or whose browser token no longer works, are missing.
    Operators are included: whether they are logged in is not known here.
    """
    key_ids = list({caller.key_id for caller in callers if caller.key_id is not None})
    rows = [split(row) for row in await database.read(READ_CALLERS, [key_ids])]
    by_key_id = {read.key_id: read for read, _ in rows}
    revision, conditions = rows[0][0].revision, rows[0][1]
    now = {}
    for caller in callers:
        if caller.key_id is None or caller.is_operator:
            now[caller] = replace(caller, revision=revision)
        elif (read := by_key_id.get(caller.key_id)) is not None and read.admits(caller.token, conditions):
            now[caller] = replace(read.caller(address=caller.address, token=caller.token), source=caller.source)
    return now
