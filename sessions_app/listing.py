"""The sessions of a wallet, as far as the caller may see them."""

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
    """Where a page of a listing begins: after this session."""

    last_active_at: datetime
    session_id: UUID

    def dump(self) -> str:
        """Return the cursor as clients pass it around."""
        text = f"{self.last_active_at.isoformat()} {self.session_id}"
        return base64.urlsafe_b64encode(text.encode()).decode()

    @classmethod
    def load(cls, text: str) -> "Cursor":
        """Read what `dump` wrote; raises ValueError for anything else."""
        try:
            moment, session_id = base64.urlsafe_b64decode(text).decode().split(" ")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("not a cursor") from error
        return cls(datetime.fromisoformat(moment), UUID(session_id))


async def sessions_of_wallet(
    address: str, *, own: Session | None, app_ids: Collection[int], after: Cursor | None, limit: int
) -> tuple[list[Session], Cursor | None]:
    """Return sessions without their messages, newest activity first, and the cursor of the next page, if any.

    Args:
        address: canonical form.
        own: the caller's own session, listed if it is bound to that wallet; if that is proven, so are the others of
            its App that are.
        app_ids: the Apps whose sessions of that wallet the caller may see.
        after: where to begin; None: at the newest.
        limit: how many at the most.
    """
    wallet = own.wallet if own else None
    is_proven = wallet is not None and wallet.address == address and wallet.is_proven
    parameters = {
        "wallet": address,
        "own": own.id if own else None,
        "proven_app": own.app_id if own and is_proven else None,
        "apps": list(app_ids),
        "before": after.last_active_at if after else None,
        "before_id": after.session_id if after else None,
        "limit": limit + 1,
    }
    rows = await database.read(sql_many.LIST_SESSIONS, parameters)
    sessions = [session_from_row(row) for row in rows[:limit]]
    is_last = len(rows) <= limit
    return sessions, None if is_last else Cursor(sessions[-1].last_active_at, sessions[-1].id)
