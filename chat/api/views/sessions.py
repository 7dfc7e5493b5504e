"""Views that create, list, show, rename, archive and delete sessions."""

from uuid import UUID

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from chat.access import wallet_to_bind
from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import ListRequest, NewSessionRequest, TitleRequest
from chat.api.snapshot import details, title
from chat.turns.deleting import delete_session
from chat.wire.sessions import DeletedSession, ListedSession, SessionDetails, TitledSession
from sessions_app.queries.listing import sessions_of_wallet
from sessions_app.store import store
from sessions_app.turns.values import SessionOfAnotherApp
from sessions_app.values import Session, Wallet


class SessionsView(ApiView):
    """`/api/sessions`: creates a session, which browsers repeat whenever they show it; lists a wallet's sessions."""

    @reads(NewSessionRequest)
    async def post(self, request: Request, params: NewSessionRequest) -> Answer[TitledSession]:
        """Create the session, unless it exists; the response is the same in both cases."""
        session_id = self.session_id()
        app = await self.usable_app(params.app or None) if params.app or self.caller.token else None
        wallet = wallet_to_bind(self.caller, params.wallet, app)
        session = await self.create_session(session_id, app, wallet=wallet)
        if session is None:
            session, owner = await self.known_session(session_id)
            if app and owner and owner.id != app.id:
                raise SessionOfAnotherApp
            app_id = app.id if app else None
            if _has_news(session, app_id, wallet):
                await store.update(session_id, app_id=app_id, wallet=wallet)
        return Answer({"session_id": session.id, "title": title(session)})

    @reads(ListRequest)
    async def get(self, request: Request, params: ListRequest) -> Answer[list[ListedSession]]:
        """List those of a wallet's sessions that the caller may see, the most recently active first."""
        if params.public_key is None:
            raise ValidationError("public_key is missing or empty.")
        wallet, token = params.public_key, self.caller.token
        own_id = token.session_id if token else None
        if "X-Session-Id" in request.headers:
            own_id = self.session_id()
        own = await self._own(own_id)
        sessions, cursor = await sessions_of_wallet(
            wallet.address,
            own=own,
            app_ids=self.caller.app_ids,
            proven_app_id=await self._proven_app_id(wallet, own),
            after=params.cursor,
            limit=params.limit,
        )
        items: list[ListedSession] = [
            {"session_id": session.id, "title": title(session), "is_archived": session.is_archived}
            for session in sessions
        ]
        return Answer(items, headers={"X-Next-Cursor": cursor.dump()} if cursor else None)

    async def _own(self, session_id: UUID | None) -> Session | None:
        """Return the caller's own session, or None if it does not exist; raise if the caller may not read it."""
        session = await store.load(session_id) if session_id else None
        if session is not None:
            await self.app_of(session)
        return session

    async def _proven_app_id(self, wallet: Wallet, own: Session | None) -> int | None:
        """Return the App for which the wallet is proven to be the caller's, if any.

        Either its own session has proven it, or its browser token names it and the App trusts the backend. A token for
        one session opens no others.
        """
        listed = await self.wallet_of_call(wallet)  # refuses a wallet that is not the token's
        token = self.caller.token
        if token is not None and token.session_id is not None:
            return None
        if token is not None and listed is not None and listed.is_proven:
            return token.app_id
        bound = own.wallet if own else None
        return own.app_id if own and bound and bound.address == wallet.address and bound.is_proven else None


def _has_news(session: Session, app_id: int | None, wallet: Wallet | None) -> bool:
    """Return whether a repeated request names a wallet or an App that the session does not have yet."""
    bound = session.wallet
    is_bound = wallet is None or (
        bound is not None
        and wallet.address == bound.address
        and wallet.chain_id in {None, bound.chain_id}
        and wallet.is_proven <= bound.is_proven
    )
    return not is_bound or (app_id is not None and session.app_id is None)


class ArchiveView(ApiView):
    """`/api/sessions/{id}/archive` and `/unarchive`."""

    is_archived = True

    async def post(self, request: Request, session_id: str) -> Answer[SessionDetails]:
        """Set or remove the archive mark."""
        id_ = self.session_id(session_id)
        await self.known_session(id_)
        await store.set_archived(id_, self.is_archived)
        session, app = await self.known_session(id_)
        return Answer(details(session, app=app.slug if app else None))


class SessionView(ApiView):
    """`/api/sessions/{id}`: one session without its messages."""

    async def get(self, request: Request, session_id: str) -> Answer[SessionDetails]:
        """Get the session without its messages."""
        return await self._details(self.session_id(session_id))

    @reads(TitleRequest)
    async def patch(self, request: Request, params: TitleRequest, session_id: str) -> Answer[SessionDetails]:
        """Rename the session."""
        id_ = self.session_id(session_id)
        await self.known_session(id_)
        await store.update(id_, title=params.title)
        return await self._details(id_)

    async def delete(self, request: Request, session_id: str) -> Answer[DeletedSession]:
        """Delete the session with all its messages; a running turn is stopped."""
        id_ = self.session_id(session_id)
        await self.known_session(id_)
        await delete_session(id_)
        return Answer({"session_id": id_, "deleted": True})

    async def _details(self, session_id: UUID) -> Answer[SessionDetails]:
        session, app = await self.known_session(session_id)
        return Answer(details(session, app=app.slug if app else None))
