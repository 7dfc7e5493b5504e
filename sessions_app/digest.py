"""What a wallet's earlier sessions with the same App were about, for Apps that remember their users."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps_registry.support import database
from sessions_app.sql import many as sql_many
from sessions_app.values import Session

SESSIONS_MAX = 5
TEXT_MAX_CHARS = 300


@dataclass(frozen=True, slots=True)
class EarlierSession:
    """One earlier session.

    Attributes:
        asked: the beginning of the last thing that the user said.
        answered: the beginning of the last answer; empty when there was none.
    """

    title: str
    last_active_at: datetime
    asked: str
    answered: str


async def earlier_sessions(session: Session, *, has_key: bool) -> Sequence[EarlierSession]:
    """Return the sessions of the same wallet and App that are older than this one, newest activity first.

    Args:
        session: whose wallet and App count; without a wallet there are none.
        has_key: the caller has a key scoped to the App, which opens all of the App's sessions.

    Where the wallet is proven in this session, only sessions count in which it was proven, with a key or without:
    addresses are public, and anybody could have claimed this one to speak to its owner's model. Where it is only
    claimed, nothing is told without a key, and with one all that its App's sessions of that wallet hold.
    """
    wallet = session.wallet
    if wallet is None or not (has_key or wallet.is_proven):
        return ()
    parameters = {
        "app": session.app_id,
        "wallet": wallet.address,
        "session": session.id,
        "before": session.created_at,
        "only_proven": wallet.is_proven,
        "limit": SESSIONS_MAX,
        "chars": TEXT_MAX_CHARS,
    }
    rows = await database.read(sql_many.READ_EARLIER, parameters)
    return [EarlierSession(title, at, asked, answered or "") for title, at, asked, answered in rows]
