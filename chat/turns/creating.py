"""Creates sessions without a turn; the only place that does."""

from uuid import UUID

from keys.callers import Caller
from keys.guards.storage import counted_new_session
from keys.limits.refusals import applied, refuse_remembered
from keys.limits.sql import NOT_COUNTED, counted_request
from keys.limits.values import Payer
from sessions_app.store import store
from sessions_app.values import Session, Wallet


async def create_session(
    caller: Caller,
    session_id: UUID,
    *,
    app_id: int | None = None,
    wallet: Wallet | None = None,
    counts: bool = True,
) -> Session | None:
    """Create an empty session; return None if it exists already.

    Args:
        caller: the caller.
        session_id: the session.
        app_id: its App; None leaves it open.
        wallet: the wallet to bind to it.
        counts: whether it counts as a request of the caller; False if a turn follows immediately, because that counts.

    Raises:
        CallerLimit: a caller without a key has begun too many sessions today.
        LimitExceeded: a limit refuses the request; nothing was stored.
    """
    payer = Payer(app_id, caller.key_id, caller.address)

    async def create() -> Session | None:
        with applied(payer):
            counted = counted_request(payer) if counts else NOT_COUNTED
            return await store.create(session_id, app_id=app_id, wallet=wallet, counted=counted)

    if caller.key_id is not None or await store.load(session_id) is not None:
        return await create()
    if counts:
        refuse_remembered(payer)
    async with counted_new_session(caller):
        return await create()
