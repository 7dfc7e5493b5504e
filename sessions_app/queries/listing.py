"""Lists the sessions of a wallet that the caller may see."""

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps_registry.support import database
from sessions_app.sql import many as sql_many
from sessions_app.sql.rows import session_from_row
from sessions_app.values import Session


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in a listing; the next page starts after this session."""

    last_active_at: datetime
    session_id: UUID

    def dump(self) -> str:
        """Return the cursor as the opaque text that clients send back."""
        text = f"{self.last_active_at.isoformat()} {self.session_id}"
        return base64.urlsafe_b64encode(text.encode()).decode()

    @classmethod
    def load(cls, text: str) -> "Cursor":
        """Parse what `dump` returned; raises ValueError for anything else."""
        try:
            last_active_at, session_id = base64.urlsafe_b64decode(text).decode().split(" ")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("not a cursor") from error
        return cls(datetime.fromisoformat(last_active_at), UUID(session_id))


async def sessions_of_wallet(
    address: str,
    *,
    own: Session | None,
    app_ids: Collection[int],
    proven_app_id: int | None,
    after: Cursor | None,
    limit: int,
) -> tuple[list[Session], Cursor | None]:
    """Return sessions without their messages, most recently active first, and the cursor of the next page, if any.

    Args:
        address: the wallet's address in canonical form.
        own: the caller's own session, listed if it is bound to the wallet.
        app_ids: the Apps whose sessions of that wallet the caller may see.
        proven_app_id: the App whose sessions the caller may see that have proven the wallet, as the caller has, if any.
        after: the cursor of the page before; None for the first page.
        limit: the maximum number of sessions.
    """
    parameters = {
        "wallet": address,
        "own": own.id if own else None,
        "proven_app": proven_app_id,
        "apps": list(app_ids),
        "before": after.last_active_at if after else None,
        "before_id": after.session_id if after else None,
        "limit": limit + 1,
    }
    rows = await database.read(sql_many.LIST_SESSIONS, parameters)
    sessions = [session_from_row(row) for row in rows[:limit]]
    is_last_page = len(rows) <= limit
    return sessions, None if is_last_page else Cursor(sessions[-1].last_active_at, sessions[-1].id)
