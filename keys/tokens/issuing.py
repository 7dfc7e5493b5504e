"""Issues browser tokens."""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from apps_registry.support import database
from keys.tokens.bounds import TokenBounds
from keys.tokens.signing_keys import current_key
from keys.tokens.text import make_token

# A token ends with its key.
READ_END = """
SELECT key.lookup_id,
    floor(extract(epoch FROM LEAST(clock_timestamp() + %(seconds)s * interval '1 second', key.expires_at)))::bigint
FROM keys_appkey key WHERE key.id = %(key)s
"""


class IssuedToken(NamedTuple):
    """A new token; it is not stored."""

    text: str
    expires_at: datetime


async def issue_token(
    key_id: int, app_id: int, *, session_id: UUID | None, wallet: str | None, origin: str | None, seconds: int
) -> IssuedToken:
    """Issue a browser token.

    Args:
        key_id: the App key that it is made with.
        app_id: the App that it opens, which the key may use.
        session_id: the only session that it opens; None: any of the App.
        wallet: the user's wallet in canonical form, if the token is bound to one.
        origin: the only origin that may send it; None: any.
        seconds: how long it works, unless its key ends before.
    """
    signer = await current_key()
    rows = await database.read(READ_END, {"key": key_id, "seconds": seconds})
    lookup_id, expires_at = rows[0]
    bounds = TokenBounds(signer.id, lookup_id, app_id, session_id, wallet, origin, expires_at)
    return IssuedToken(make_token(bounds, signer.secret), datetime.fromtimestamp(expires_at, UTC))
