"""A digest of a wallet's earlier sessions with the same App, for Apps that recall earlier sessions."""

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
        asked: the start of the user's last message.
        answered: the start of the last reply; empty when there was none.
    """

    title: str
    last_active_at: datetime
    asked: str
    answered: str


async def earlier_sessions(session: Session, *, has_key: bool) -> Sequence[EarlierSession]:
    """Return older sessions of the same wallet and App, most recently active first.

    Args:
        session: the current session; without a wallet there are no earlier ones.
        has_key: whether the caller has a key scoped to the App, which opens all of the App's sessions.

    If the wallet is proven in this session, only sessions count in which it was proven too, with or without a key:
    addresses are public, so anyone could claim this one and write text that the owner's model then reads. If the wallet
    is only claimed, callers without a key get nothing, and callers with a key get all sessions of that wallet.
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
        "is_operators": session.is_operators,
        "limit": SESSIONS_MAX,
        "chars": TEXT_MAX_CHARS,
    }
    rows = await database.read(sql_many.READ_EARLIER, parameters)
    return [EarlierSession(title, last_active_at, asked, answer or "") for title, last_active_at, asked, answer in rows]
