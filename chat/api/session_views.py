"""Sessions as things: made, looked at, renamed, deleted."""

from uuid import UUID

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from chat.api.answers import Answer
from chat.api.base import ApiView
from chat.api.parameters import reads
from chat.api.requests import ListRequest, NewSessionRequest, TitleRequest
from chat.api.snapshot import details, title
from chat.turns.runner import runner
from chat.wire.sessions import DeletedSession, ListedSession, SessionDetails, TitledSession
from sessions_app.events.hub import hub
from sessions_app.events.worker_messages import WorkerMessage
from sessions_app.listing import sessions_of_wallet
from sessions_app.store import store
from sessions_app.turns import SessionOfAnotherApp
from sessions_app.values import Session, Wallet


class SessionsView(ApiView):
    """`/api/sessions`: open a thread, which browsers repeat whenever they show it; list a wallet's threads."""

    @reads(NewSessionRequest)
    async def post(self, request: Request, asked: NewSessionRequest) -> Answer[TitledSession]:
        """Make the session unless there is one; the same answer either way."""
        session_id, wallet = self.session_id(), asked.wallet
        app = await self.usable_app(asked.app) if asked.app else None
        app_id = app.id if app else None
        session = await store.create(session_id, app_id=app_id, user_state=None, wallet=wallet)
        if session is None:
            session, owner = await self.known_session(session_id)
            if app and owner and owner.id != app.id:
                raise SessionOfAnotherApp
            if _tells_more(session, app_id, wallet):
                await store.update(session_id, app_id=app_id, wallet=wallet)
        return Answer({"session_id": session.id, "title": title(session)})

    @reads(ListRequest)
    async def get(self, request: Request, asked: ListRequest) -> Answer[list[ListedSession]]:
        """List a wallet's sessions, as far as the caller may see them, newest activity first."""
        if asked.public_key is None:
            raise ValidationError("public_key is missing or empty.")
        own = self.session_id() if "X-Session-Id" in request.headers else None
        sessions, cursor = await sessions_of_wallet(
            asked.public_key.address,
            own=await self._own(own),
            app_ids=self.caller.app_ids,
            after=asked.cursor,
            limit=asked.limit,
        )
        listed: list[ListedSession] = [
            {"session_id": s.id, "title": title(s), "is_archived": s.is_archived} for s in sessions
        ]
        return Answer(listed, headers={"X-Next-Cursor": cursor.dump()} if cursor else None)

    async def _own(self, session_id: UUID | None) -> Session | None:
        """Return the caller's own session, if it exists and the caller may see it."""
        session = await store.load(session_id) if session_id else None
        if session is not None:
            await self.app_of(session)
        return session


def _tells_more(session: Session, app_id: int | None, wallet: Wallet | None) -> bool:
    """Whether a repeated call says anything that the session does not know yet."""
    known = session.wallet
    is_known = wallet is None or (
        known is not None and wallet.address == known.address and wallet.chain_id in {None, known.chain_id}
    )
    return not is_known or (app_id is not None and session.app_id is None)


class ArchiveView(ApiView):
    """`/api/sessions/{id}/archive` and `/unarchive`."""

    is_archived = True

    async def post(self, request: Request, session_id: str) -> Answer[SessionDetails]:
        """Archive the session, or bring it back."""
        id_ = self.session_id(session_id)
        await self.known_session(id_)
        await store.set_archived(id_, self.is_archived)
        session, app = await self.known_session(id_)
        return Answer(details(session, app=app.slug if app else None))


class SessionView(ApiView):
    """`/api/sessions/{id}`: one session without its messages."""

    async def get(self, request: Request, session_id: str) -> Answer[SessionDetails]:
        """Answer the session."""
        return await self._details(self.session_id(session_id))

    @reads(TitleRequest)
    async def patch(self, request: Request, asked: TitleRequest, session_id: str) -> Answer[SessionDetails]:
        """Give the session a title of the user's own."""
        id_ = self.session_id(session_id)
        await self.known_session(id_)
        await store.update(id_, title=asked.title)
        return await self._details(id_)

    async def delete(self, request: Request, session_id: str) -> Answer[DeletedSession]:
        """Delete the session and everything said in it; a turn that runs is stopped."""
        id_ = self.session_id(session_id)
        await self.known_session(id_)
        await store.delete(id_)
        runner.cancel(id_)
        hub.tell_workers(id_, WorkerMessage.SESSION_DELETED)
        return Answer({"session_id": id_, "deleted": True})

    async def _details(self, session_id: UUID) -> Answer[SessionDetails]:
        session, app = await self.known_session(session_id)
        return Answer(details(session, app=app.slug if app else None))
